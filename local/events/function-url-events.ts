import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { startFunctionUrl } from '../gateway/function-url.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';

const MODES = ['BUFFERED', 'RESPONSE_STREAM'];

const urlSchema = v.object(
  {
    invokeMode: v.optional(
      v.picklist(MODES, ({ input }) => `${show(input)}, expected ${MODES.join(' or ')}`),
      'BUFFERED',
    ),
  },
  ({ input }) => `${show(input)}, expected true or { invokeMode, authorizer, cors }`,
);

/** Each function's own URL, on a port of its own. */
export const functionUrlEvents: EventKind = (events) => {
  const urls = readEach(events, (value) => parseSettings(urlSchema, value === true ? {} : value));
  return async ({ invocable }) => {
    const started = await Promise.all(
      urls.map(async ({ functionName, invokeMode }) => ({
        functionName,
        ...(await startFunctionUrl({ isStreaming: invokeMode === 'RESPONSE_STREAM', ...invocable(functionName) })),
      })),
    );
    return {
      addresses: {
        functionUrls: Object.fromEntries(started.map(({ functionName, endpoint }) => [functionName, endpoint])),
      },
      served: started.map(({ functionName, endpoint }) => ({ functionName, description: endpoint })),
      stop: async () => {
        await Promise.all(started.map(({ stop }) => stop()));
      },
    };
  };
};
