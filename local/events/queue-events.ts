import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { wholeNumber } from '../service/service-file.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';
import { startEventSource } from './event-source.ts';

const DEFAULT_BATCH_SIZE = 10;

/** An option that is not here would change which messages come, so it is refused. */
const queueSchema = v.strictObject(
  {
    arn: v.string(),
    batchSize: v.optional(wholeNumber(1, 10_000), DEFAULT_BATCH_SIZE),
    maximumBatchingWindow: v.optional(wholeNumber(0, 300), 0),
    enabled: v.optional(v.boolean(), true),
    functionResponseType: v.optional(v.literal('ReportBatchItemFailures')),
    maximumConcurrency: v.optional(wholeNumber(2, 1_000)),
  },
  ({ input }) => `${show(input)}, expected an ARN or { arn, batchSize, maximumBatchingWindow, enabled }`,
);

/** Messages of the queues that the file declares. */
export const queueEvents: EventKind = (events, { queues }) => {
  const sources = readEach(events, (value) => {
    const settings = typeof value === 'string' ? { arn: value } : value;
    const { arn, batchSize, maximumBatchingWindow, enabled, functionResponseType } = parseSettings(
      queueSchema,
      settings,
    );
    const queue = arn.split(':').at(-1) ?? '';
    if (!queues.some(({ name }) => name === queue))
      throw new Error(`${arn} is none of the queues under resources: ${queues.map(({ name }) => name).join(', ')}`);
    const reportsFailures = functionResponseType !== undefined;
    return { queue, batchSize, windowSeconds: maximumBatchingWindow, enabled, reportsFailures };
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
