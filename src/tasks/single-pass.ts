import { isBatchable, rows } from '../core/batch.ts';
import { ServingError } from '../core/errors.ts';
import type { Signature, Tensors } from '../core/tensor.ts';
import { graphOf } from './graph-of.ts';
import { type RowTask, rowTask } from './row-task.ts';
import type { Task } from './task.ts';

/**
 * The steps of a task that runs its only graph over rows, in the order of their run. `postprocess` gets the outputs of each row, with a first
 * dimension of 1.
 */
export interface SinglePass<Request, Row, Resources>
  extends Omit<RowTask<Request, Row, Tensors, Resources>, 'batchSize' | 'run'> {
  /** Outputs that are computed; all when left out. */
  readonly outputNames?: readonly string[];
  /** True for a graph whose outputs do not tell the rows of a run apart. */
  readonly oneByOne?: boolean;
  /** Feeds with a first dimension of `batch.length`; shorter rows are padded. */
  collate(batch: readonly Row[], signature: Signature, resources: Resources): Tensors;
  /** Takes back feeds that were run, whose memory may serve again. */
  recycle?(feeds: Tensors): void;
}

/** Outputs row by row. @throws `INFERENCE_FAILED` when the graph gave another number of rows */
const split = (outputs: Tensors, count: number): Tensors[] => {
  if (count === 1) return [outputs];
  if (Object.values(outputs).some(({ shape }) => shape[0] !== count))
    throw new ServingError('INFERENCE_FAILED', `the outputs of a batch of ${count} have no ${count} rows`);
  return Array.from({ length: count }, (_, index) => rows(outputs, index, index + 1));
};

/** Completes a task that runs its graph once for each batch. A graph with a fixed first dimension runs row by row. */
export const singlePass = <Request, Row, Resources = undefined>(
  steps: SinglePass<Request, Row, Resources>,
): Task<Request, Resources> =>
  rowTask<Request, Row, Tensors, Resources>({
    ...steps,
    batchSize: (_row, maxBatch, graphs) =>
      steps.oneByOne !== true && isBatchable(graphOf(graphs).signature) ? maxBatch : 1,
    async run(batch, resources, graphs) {
      const graph = graphOf(graphs);
      const feeds = steps.collate(batch, graph.signature, resources);
      const outputs = await graph.run(feeds, steps.outputNames);
      steps.recycle?.(feeds);
      return split(outputs, batch.length);
    },
  });
