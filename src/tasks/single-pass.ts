import { isBatchable, type OutputRow, rows } from '../core/batch.ts';
import { refuse, ServingError } from '../core/errors.ts';
import { formatSpec, type Signature, type Tensors } from '../core/tensor.ts';
import { graphOf } from './graph-of.ts';
import { type RowTask, rowTask } from './row-task.ts';
import type { Task } from './task.ts';

/** The steps of a task that runs its only graph over rows, in the order of their run. `postprocess` gets an `Output` of each row. */
interface Pass<Request, Row, Resources, Output>
  extends Omit<RowTask<Request, Row, Output, Resources>, 'batchSize' | 'run'> {
  /** Outputs that are computed; all when left out. */
  readonly outputNames?: readonly string[];
  /** True for a graph whose outputs do not tell the rows of a run apart. */
  readonly oneByOne?: boolean;
  /** Feeds with a first dimension of `batch.length`; shorter rows are padded. */
  collate(batch: readonly Row[], signature: Signature, resources: Resources): Tensors;
  /** Takes back feeds that were run, whose memory may serve again. */
  recycle?(feeds: Tensors): void;
}

/** `postprocess` gets the outputs of each row as tensors with a first dimension of 1. */
export type SinglePass<Request, Row, Resources> = Pass<Request, Row, Resources, Tensors>;
/** `postprocess` gets the place of each row in the outputs of its run. Tensors of its own cost more than a few numbers are worth. */
export type TablePass<Request, Row, Resources> = Pass<Request, Row, Resources, OutputRow>;

/** @throws `INFERENCE_FAILED` when the graph gave another number of rows */
const assertRows = (outputs: Tensors, count: number): void => {
  if (count > 1 && Object.values(outputs).some(({ shape }) => shape[0] !== count))
    throw new ServingError('INFERENCE_FAILED', `the outputs of a batch of ${count} have no ${count} rows`);
};

/** @throws `MODEL_INVALID` for a graph that was exported for several rows at once, and no other number */
const assertTakesOneRow = ({ inputs }: Signature): void => {
  const several = inputs.find(({ shape: [rows] }) => typeof rows === 'number' && rows !== 1);
  if (several !== undefined)
    refuse(
      'MODEL_INVALID',
      `the graph takes ${formatSpec(several)} as ${several.name}, always ${several.shape[0]} rows at once, expected 1 or any number: ` +
        'export it for a batch of 1, or with a variable first dimension',
    );
};

const passOf = <Request, Row, Resources, Output>(
  steps: Pass<Request, Row, Resources, Output>,
  toOutput: (row: OutputRow) => Output,
): Task<Request, Resources> =>
  rowTask<Request, Row, Output, Resources>({
    ...steps,
    batchSize(_row, maxBatch, graphs) {
      const { signature } = graphOf(graphs);
      assertTakesOneRow(signature);
      return steps.oneByOne !== true && isBatchable(signature) ? maxBatch : 1;
    },
    async run(batch, resources, graphs) {
      const graph = graphOf(graphs);
      const feeds = steps.collate(batch, graph.signature, resources);
      const outputs = await graph.run(feeds, steps.outputNames);
      steps.recycle?.(feeds);
      const count = batch.length;
      assertRows(outputs, count);
      return batch.map((_, row) => toOutput({ outputs, row, count }));
    },
  });

/** Completes a task that runs its graph once for each batch. A graph with a fixed first dimension runs row by row. */
export const singlePass = <Request, Row, Resources = undefined>(
  steps: SinglePass<Request, Row, Resources>,
): Task<Request, Resources> =>
  passOf(steps, ({ outputs, row, count }) => (count === 1 ? outputs : rows(outputs, row, row + 1)));

/** `singlePass` for rows with few numbers each. */
export const tablePass = <Request, Row, Resources = undefined>(
  steps: TablePass<Request, Row, Resources>,
): Task<Request, Resources> => passOf(steps, (row) => row);
