import { isBatchable, rows } from '../core/batch.ts';
import { ServingError } from '../core/errors.ts';
import type { Signature, Tensors } from '../core/tensor.ts';
import type { Graph, Payload, ReadFile, Task } from './task.ts';

/** The steps of a task that runs its one graph over rows, in the order they run. */
export interface SinglePass<Request, Row, Resources> {
  /** The plainest request there is. */
  readonly blank: Request;
  /** @throws as `Task.decode` */
  decode(payload: Payload): Request;
  /** Reads what `prepare` needs besides the settings. @throws `MODEL_INVALID` */
  load?(read: ReadFile): Promise<Resources>;
  /** What a request asks to run: any number of rows. @throws `INVALID_INPUT` naming the input */
  prepare(request: Request, signature: Signature, resources: Resources): Promise<readonly Row[]> | readonly Row[];
  /** Which outputs are computed; all when left out. */
  readonly outputNames?: readonly string[];
  /** Only rows of equal group share a run; all when left out. */
  group?(row: Row): string;
  /** How long a row is: rows of about the same length run together, so that little is padded. */
  length?(row: Row): number;
  /** Feeds with a leading dimension of `batch.length`, shorter rows padded. */
  collate(batch: readonly Row[], signature: Signature, resources: Resources): Tensors;
  /** The answer, from the outputs of each row, with a leading dimension of 1, in the order of `prepare`. @throws `INFERENCE_FAILED` */
  postprocess(outputs: readonly Tensors[], request: Request, prepared: readonly Row[], resources: Resources): unknown;
}

interface Entry<Row> {
  readonly row: Row;
  outcome?: PromiseSettledResult<Tensors>;
}

/** Rows that run together: of one group, sorted by length, `maxBatch` at most. */
const batches = <Row>(
  entries: readonly Entry<Row>[],
  { group, length }: Pick<SinglePass<unknown, Row, never>, 'group' | 'length'>,
  maxBatch: number,
): Entry<Row>[][] => {
  const groups = group ? [...Map.groupBy(entries, ({ row }) => group(row)).values()] : [[...entries]];
  return groups.flatMap((members) => {
    if (length) members.sort((a, b) => length(a.row) - length(b.row));
    return Array.from({ length: Math.ceil(members.length / maxBatch) }, (_, index) =>
      members.slice(index * maxBatch, (index + 1) * maxBatch),
    );
  });
};

/** Runs `batch` as one, or row by row when that fails, so that one of them fails alone. */
const runBatch = async <Row>(
  batch: readonly Entry<Row>[],
  collate: (batch: readonly Row[]) => Tensors,
  run: Graph['run'],
): Promise<void> => {
  try {
    const outputs = await run(collate(batch.map(({ row }) => row)));
    const [single] = batch;
    if (single && batch.length === 1) {
      single.outcome = { status: 'fulfilled', value: outputs };
      return;
    }
    if (Object.values(outputs).some(({ shape }) => shape[0] !== batch.length))
      throw new ServingError(
        'INFERENCE_FAILED',
        `the outputs of a batch of ${batch.length} have no ${batch.length} rows`,
      );
    batch.forEach((entry, index) => {
      entry.outcome = { status: 'fulfilled', value: rows(outputs, index, index + 1) };
    });
  } catch (reason) {
    if (batch.length > 1 && ServingError.from(reason).code === 'INFERENCE_FAILED') {
      for (const entry of batch) await runBatch([entry], collate, run);
      return;
    }
    for (const entry of batch) entry.outcome = { status: 'rejected', reason };
  }
};

/** The outputs of all rows. @throws what the first of them failed with */
const outputsOf = (entries: readonly Entry<unknown>[]): Tensors[] =>
  entries.map(({ outcome }) => {
    if (outcome?.status === 'fulfilled') return outcome.value;
    throw outcome?.reason;
  });

/** The graph of a task that has one. @throws `MODEL_INVALID` */
const onlyGraph = ({ model }: Readonly<Record<string, Graph>>): Graph => {
  if (model === undefined) throw new ServingError('MODEL_INVALID', 'there is no graph named "model"');
  return model;
};

/**
 * Completes a task: prepares requests side by side, runs the rows of all of them in batches, and hands each request the outputs of its own.
 * A graph whose leading dimensions are fixed runs row by row.
 */
export const singlePass = <Request, Row, Resources = undefined>(steps: SinglePass<Request, Row, Resources>): Task => ({
  decode: (payload) => steps.decode(payload),
  blank: () => steps.blank,
  ...(steps.load && { load: (read) => (steps.load as NonNullable<typeof steps.load>)(read) }),

  async predict(requests, { graphs, resources: loaded, maxBatch }, lap) {
    const { signature, run } = onlyGraph(graphs);
    const resources = loaded as Resources;
    const prepared = await Promise.allSettled(
      (requests as Request[]).map(async (request) => {
        const own = await steps.prepare(request, signature, resources);
        return own.map((row): Entry<Row> => ({ row }));
      }),
    );
    lap('preprocess');

    const entries = prepared.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    const collate = (batch: readonly Row[]): Tensors => steps.collate(batch, signature, resources);
    const runNamed: Graph['run'] = (feeds) => run(feeds, steps.outputNames);
    for (const batch of batches(entries, steps, isBatchable(signature) ? maxBatch : 1))
      await runBatch(batch, collate, runNamed);
    if (entries.some(({ outcome }) => outcome?.status === 'fulfilled')) lap('run');

    const outcomes = prepared.map((outcome, index): PromiseSettledResult<unknown> => {
      if (outcome.status === 'rejected') return outcome;
      try {
        const own = outcome.value.map(({ row }) => row);
        const value = steps.postprocess(outputsOf(outcome.value), requests[index] as Request, own, resources);
        return { status: 'fulfilled', value };
      } catch (reason) {
        return { status: 'rejected', reason };
      }
    });
    lap('postprocess');
    return outcomes;
  },
});
