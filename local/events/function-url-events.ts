import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { withPage } from '../gateway/cors.ts';
import { startFunctionUrl } from '../gateway/function-url.ts';
import { listenNear } from '../listen-near.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';

/** After the ports of the HTTP API, of S3 and SQS, and of metrics. */
const FIRST_DISTANCE = 3;

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
export const functionUrlEvents: EventKind = (events, { cors }) => {
  const urls = readEach(events, (value) => parseSettings(urlSchema, value === true ? {} : value));
  return async ({ port: apiPort, addresses, invocable }) => {
    const started = await Promise.all(
      urls.map(async ({ functionName, invokeMode }, index) => {
        const isStreaming = invokeMode === 'RESPONSE_STREAM';
        const settings = {
          isStreaming,
          cors: withPage(cors.urls[functionName], addresses.endpoint),
          ...invocable(functionName),
        };
        const start = (port: number) => startFunctionUrl({ port, ...settings });
        return { functionName, ...(await listenNear(apiPort, FIRST_DISTANCE + index, start)) };
      }),
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
