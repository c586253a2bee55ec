import type { Answer } from '../core/answer.ts';
import { isBatchable, rows } from '../core/batch.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Signature, Tensors } from '../core/tensor.ts';
import { type Graphs, type RowTask, rowTask } from './row-task.ts';
import type { Task } from './task.ts';

type Shared<Request, Row, Resources> = Pick<
  RowTask<Request, Row, Tensors, Resources>,
  'blank' | 'decode' | 'load' | 'group' | 'length'
>;

/** The steps of a task that runs its one graph over rows, in the order they run. */
export interface SinglePass<Request, Row, Resources> extends Shared<Request, Row, Resources> {
  /** What a request asks to run: any number of rows. @throws `INVALID_INPUT` naming the input */
  prepare(request: Request, signature: Signature, resources: Resources): Promise<readonly Row[]> | readonly Row[];
  /** Which outputs are computed; all when left out. */
  readonly outputNames?: readonly string[];
  /** Feeds with a leading dimension of `batch.length`, shorter rows padded. */
  collate(batch: readonly Row[], signature: Signature, resources: Resources): Tensors;
  /** What becomes of feeds that were run. */
  recycle?(feeds: Tensors): void;
  /** The answer, from the outputs of each row, with a leading dimension of 1, in the order of `prepare`. @throws `INFERENCE_FAILED` */
  postprocess(outputs: readonly Tensors[], request: Request, prepared: readonly Row[], resources: Resources): Answer;
}

/** The graph of a task that has one. @throws `MODEL_INVALID` */
export const onlyGraph = ({ model }: Graphs): Graph => {
  if (model === undefined) throw new ServingError('MODEL_INVALID', 'there is no graph named "model"');
  return model;
};

/** Outputs row by row. @throws `INFERENCE_FAILED` when they are of another number of rows */
const split = (outputs: Tensors, count: number): Tensors[] => {
  if (count === 1) return [outputs];
  if (Object.values(outputs).some(({ shape }) => shape[0] !== count))
    throw new ServingError('INFERENCE_FAILED', `the outputs of a batch of ${count} have no ${count} rows`);
  return Array.from({ length: count }, (_, index) => rows(outputs, index, index + 1));
};

/** Completes a task that runs its graph once for each batch. A graph whose leading dimensions are fixed runs row by row. */
export const singlePass = <Request, Row, Resources = undefined>(steps: SinglePass<Request, Row, Resources>): Task =>
  rowTask<Request, Row, Tensors, Resources>({
    ...steps,
    prepare: (request, resources, graphs) => steps.prepare(request, onlyGraph(graphs).signature, resources),
    batchSize: (_row, maxBatch, graphs) => (isBatchable(onlyGraph(graphs).signature) ? maxBatch : 1),
    async run(batch, resources, graphs) {
      const { signature, run } = onlyGraph(graphs);
      const feeds = steps.collate(batch, signature, resources);
      const outputs = await run(feeds, steps.outputNames);
      steps.recycle?.(feeds);
      return split(outputs, batch.length);
    },
  });
