import type { Answer } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import type { Graph } from '../core/graph.ts';
import type { Payload, ReadFile } from '../core/payload.ts';
import type { Task } from './task.ts';

export type Graphs = Readonly<Record<string, Graph>>;

/** The steps of a task that answers a request from what its rows gave, in the order they run. */
export interface RowTask<Request, Row, Output, Resources> {
  /** The plainest request there is. */
  readonly blank: Request;
  /** @throws as `Task.decode` */
  decode(payload: Payload): Request;
  /** Reads what `prepare` needs besides the settings. @throws `MODEL_INVALID` */
  load?(read: ReadFile): Promise<Resources>;
  /** What a request asks to run: any number of rows. @throws `INVALID_INPUT` naming the input */
  prepare(request: Request, resources: Resources, graphs: Graphs): Promise<readonly Row[]> | readonly Row[];
  /** Only rows of equal group run together; all when left out. */
  group?(row: Row): string;
  /** How long a row is: rows of about the same length run together, so that little is padded. */
  length?(row: Row): number;
  /** How many rows of the group of `row` run together, of `maxBatch` that the model allows. */
  batchSize(row: Row, maxBatch: number, graphs: Graphs): number;
  /** One output for each row. @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED` */
  run(batch: readonly Row[], resources: Resources, graphs: Graphs): Promise<readonly Output[]>;
  /** The answer, from the outputs in the order of `prepare`. @throws `INFERENCE_FAILED` */
  postprocess(outputs: readonly Output[], request: Request, prepared: readonly Row[], resources: Resources): Answer;
}

interface Entry<Row, Output> {
  readonly row: Row;
  outcome?: PromiseSettledResult<Output>;
}

/** Rows that run together: of one group, sorted by length. */
const batches = <Row, Output>(
  entries: readonly Entry<Row, Output>[],
  { group, length }: Pick<RowTask<unknown, Row, Output, never>, 'group' | 'length'>,
  batchSize: (row: Row) => number,
): Entry<Row, Output>[][] => {
  const groups = group ? [...Map.groupBy(entries, ({ row }) => group(row)).values()] : [[...entries]];
  return groups.flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    if (length) members.sort((a, b) => length(a.row) - length(b.row));
    const size = batchSize(first.row);
    return Array.from({ length: Math.ceil(members.length / size) }, (_, index) =>
      members.slice(index * size, (index + 1) * size),
    );
  });
};

/** Runs `batch` as one, or row by row when that fails, so that one of them fails alone. */
const runBatch = async <Row, Output>(
  batch: readonly Entry<Row, Output>[],
  run: (batch: readonly Row[]) => Promise<readonly Output[]>,
): Promise<void> => {
  try {
    const outputs = await run(batch.map(({ row }) => row));
    batch.forEach((entry, index) => {
      entry.outcome = { status: 'fulfilled', value: outputs[index] as Output };
    });
  } catch (reason) {
    if (batch.length > 1 && ServingError.from(reason).code === 'INFERENCE_FAILED') {
      for (const entry of batch) await runBatch([entry], run);
      return;
    }
    for (const entry of batch) entry.outcome = { status: 'rejected', reason };
  }
};

/** The outputs of all rows. @throws what the first of them failed with; when time was over, with how many were done */
const outputsOf = <Output>(entries: readonly Entry<unknown, Output>[]): Output[] => {
  const outputs = entries.flatMap(({ outcome }) => (outcome?.status === 'fulfilled' ? [outcome.value] : []));
  const failed = entries.find(({ outcome }) => outcome?.status === 'rejected')?.outcome;
  if (failed?.status !== 'rejected') return outputs;
  const { code, message } = ServingError.from(failed.reason);
  if (code !== 'DEADLINE_EXCEEDED' || entries.length === 1) throw failed.reason;
  const done = `${outputs.length} of ${entries.length} parts of the request were done`;
  throw new ServingError(code, `${done}: ${message}`, { cause: failed.reason });
};

/** Completes a task: prepares requests side by side, runs the rows of all of them in batches, and hands each request the outputs of its own. */
export const rowTask = <Request, Row, Output, Resources>(steps: RowTask<Request, Row, Output, Resources>): Task => ({
  decode: (payload) => steps.decode(payload),
  blank: () => steps.blank,
  ...(steps.load && { load: (read) => (steps.load as NonNullable<typeof steps.load>)(read) }),

  async predict(requests, { graphs, resources: loaded, maxBatch }, lap) {
    const resources = loaded as Resources;
    const prepared = await Promise.allSettled(
      (requests as Request[]).map(async (request) => {
        const own = await steps.prepare(request, resources, graphs);
        return own.map((row): Entry<Row, Output> => ({ row }));
      }),
    );
    lap('preprocess');

    const entries = prepared.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    for (const batch of batches(entries, steps, (row) => steps.batchSize(row, maxBatch, graphs)))
      await runBatch(batch, (rows) => steps.run(rows, resources, graphs));
    if (entries.some(({ outcome }) => outcome?.status === 'fulfilled')) lap('run');

    const outcomes = prepared.map((outcome, index): PromiseSettledResult<Answer> => {
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
