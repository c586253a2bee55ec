import { assertTimeLeft, type Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Payload } from '../core/payload.ts';
import type { LoadedModel } from '../engine/model-loader.ts';
import type { Task, TaskModel } from '../tasks/task.ts';
import type { Call, Serving } from './serving.ts';

/** An input that its task decoded, or the reason of its refusal. */
export type Decoded = PromiseSettledResult<{ readonly request: unknown }>;

/** Fetches and decodes each input. A failure of one leaves the others alone. */
export const decodeAll = async (task: Task, payloads: readonly (() => Promise<Payload>)[]): Promise<Decoded[]> =>
  Promise.allSettled(payloads.map(async (payload) => ({ request: task.decode(await payload()) })));

/** True if every input was refused, so that there is nothing to run. */
export const areRefused = (decoded: readonly Decoded[]): decoded is PromiseRejectedResult[] =>
  decoded.every(({ status }) => status === 'rejected');

/** The requests among the decoded inputs. */
export const requestsOf = (decoded: readonly Decoded[]): unknown[] =>
  decoded.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.request] : []));

const next = <T>(values: Iterator<T>): T => {
  const { value, done } = values.next();
  if (done) throw new ServingError('INTERNAL', 'the task gave fewer answers than there were requests');
  return value;
};

/** An outcome for each input, in order: its refusal, or the next of `predicted`. */
export const inOrder = <T>(
  decoded: readonly Decoded[],
  predicted: readonly PromiseSettledResult<T>[],
): PromiseSettledResult<T>[] => {
  const answers = predicted.values();
  return decoded.map((outcome) => (outcome.status === 'rejected' ? outcome : next(answers)));
};

/** The loaded model as its task sees it. A run cannot be interrupted, so that each one looks at the deadline first. */
export const toTaskModel = (
  { bundle, graphs, resources }: LoadedModel,
  { caller }: Pick<Call, 'caller'>,
  deadline: Deadline,
  { models: { freeBytes } }: Serving,
): TaskModel => ({
  graphs: Object.fromEntries(
    Object.entries(graphs).map(([role, { signature, run }]): [string, Graph] => [
      role,
      {
        signature,
        run: async (feeds, outputNames) => {
          assertTimeLeft(deadline);
          return run(feeds, outputNames);
        },
      },
    ]),
  ),
  resources,
  maxBatch: bundle.maxBatch,
  deadline,
  caller,
  freeBytes,
});
