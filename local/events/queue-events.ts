import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { wholeNumber } from '../service/service-file.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';
import { startEventSource } from './event-source.ts';

const DEFAULT_BATCH_SIZE = 10;

const queueSchema = v.object(
  {
    arn: v.string(),
    batchSize: v.optional(wholeNumber(1, 10_000), DEFAULT_BATCH_SIZE),
    maximumBatchingWindow: v.optional(wholeNumber(0, 300), 0),
    enabled: v.optional(v.boolean(), true),
  },
  ({ input }) => `${show(input)}, expected an ARN or { arn, batchSize, maximumBatchingWindow, enabled }`,
);

/** Messages of the queues that the file declares. */
export const queueEvents: EventKind = (events, queues) => {
  const sources = readEach(events, (value) => {
    const settings = typeof value === 'string' ? { arn: value } : value;
    const { arn, batchSize, maximumBatchingWindow, enabled } = parseSettings(queueSchema, settings);
    const queue = arn.split(':').at(-1) ?? '';
    if (!queues.some(({ name }) => name === queue))
      throw new Error(`${arn} is none of the queues under resources: ${queues.map(({ name }) => name).join(', ')}`);
    return { queue, batchSize, windowSeconds: maximumBatchingWindow, enabled };
  }).filter(({ enabled }) => enabled);

  return async ({ aws, invocable, onFailure }) => {
    const started = sources.map(({ functionName, ...source }) =>
      startEventSource({
        ...source,
        aws,
        invoke: invocable(functionName).invoke,
        onFailure: (error) => onFailure(functionName, error),
      }),
    );
    return {
      served: sources.map(({ functionName, queue }) => ({ functionName, description: `messages of ${queue}` })),
      stop: async () => {
        await Promise.all(started.map(({ stop }) => stop()));
      },
    };
  };
};
