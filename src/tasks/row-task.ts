import type { Answer } from '../core/answer.ts';
import type { Deadline } from '../core/deadline.ts';
import { type ErrorCode, ServingError } from '../core/errors.ts';
import type { Payload, ReadFile } from '../core/payload.ts';
import type { Graphs } from './graph-of.ts';
import type { Task } from './task.ts';

/** The steps of a task that runs rows and makes each answer from the outputs of its own rows, in the order of their run. */
export interface RowTask<Request, Row, Output, Resources> {
  /** See `Task.blank`. */
  readonly blank: Request;
  /** @throws the errors of `Task.decode` */
  decode(payload: Payload): Request;
  /** See `Task.elements`. */
  elements?(payload: Payload): readonly unknown[] | undefined;
  /** Reads the resources of `prepare`. @throws `MODEL_INVALID` */
  load?(read: ReadFile): Promise<Resources>;
  /** The rows of a request, any number of them. @throws `INVALID_INPUT` naming the input, `DEADLINE_EXCEEDED` */
  prepare(request: Request, resources: Resources, deadline: Deadline): Promise<readonly Row[]> | readonly Row[];
  /** Rows of equal group may run together; left out, all rows may. */
  group?(row: Row): string;
  /** The length of a row. Rows of similar length run together, so that little is padded. */
  length?(row: Row): number;
  /** Most rows of the group of `row` that run together; `maxBatch` is the bound of the model. */
  batchSize(row: Row, maxBatch: number, graphs: Graphs): number;
  /** Runs a batch: one output for each row. @throws `DEADLINE_EXCEEDED`, `INFERENCE_FAILED` */
  run(batch: readonly Row[], resources: Resources, graphs: Graphs): Promise<readonly Output[]>;
  /** See `Task.describe`. */
  readonly describe?: Task<Request, Resources>['describe'];
  /** Makes the answer from the outputs, in the order of `prepare`. @throws `INFERENCE_FAILED` */
  postprocess(outputs: readonly Output[], request: Request, prepared: readonly Row[], resources: Resources): Answer;
}

interface Entry<Row, Output> {
  readonly row: Row;
  outcome?: PromiseSettledResult<Output>;
}

/** Rows that run together: rows of one group, sorted by length. */
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

/** Failures for which one row of a batch may be the cause. */
const CAUSED_BY_ROWS: readonly ErrorCode[] = ['INFERENCE_FAILED', 'INVALID_INPUT', 'PAYLOAD_TOO_LARGE'];

/** Runs `batch`. When the run fails, each row runs again alone, so that only the rows at fault fail. */
const runBatch = async <Row, Output, Resources>(
  batch: readonly Entry<Row, Output>[],
  steps: Pick<RowTask<unknown, Row, Output, Resources>, 'run'>,
  resources: Resources,
  graphs: Graphs,
): Promise<void> => {
  try {
    const outputs = await steps.run(
      batch.map(({ row }) => row),
      resources,
      graphs,
    );
    for (const [index, value] of outputs.entries()) {
      const entry = batch[index];
      if (entry !== undefined) entry.outcome = { status: 'fulfilled', value };
    }
  } catch (reason) {
    if (batch.length > 1 && CAUSED_BY_ROWS.includes(ServingError.from(reason).code)) {
      for (const entry of batch) await runBatch([entry], steps, resources, graphs);
      return;
    }
    for (const entry of batch) entry.outcome = { status: 'rejected', reason };
  }
};

/**
 * The outputs of all rows of a request.
 * @throws the error of the first row that failed; `DEADLINE_EXCEEDED` with the number of rows that were done
 */
const outputsOf = <Output>(entries: readonly Entry<unknown, Output>[]): Output[] => {
  const outputs: Output[] = [];
  for (const { outcome } of entries) if (outcome?.status === 'fulfilled') outputs.push(outcome.value);
  const failed = entries.find(({ outcome }) => outcome?.status === 'rejected')?.outcome;
  if (failed?.status !== 'rejected') return outputs;
  const { code, message } = ServingError.from(failed.reason);
  if (code !== 'DEADLINE_EXCEEDED' || entries.length === 1) throw failed.reason;
  const done = `${outputs.length} of ${entries.length} parts of the request were done`;
  throw new ServingError(code, `${done}: ${message}`, { cause: failed.reason });
};

/** Completes a task: prepares requests side by side, runs the rows of all of them in batches, and answers each request from its own rows. */
export const rowTask = <Request, Row, Output, Resources>(
  steps: RowTask<Request, Row, Output, Resources>,
): Task<Request, Resources> => ({
  decode: steps.decode,
  ...(steps.elements && { elements: steps.elements }),
  blank: () => steps.blank,
  ...(steps.load && { load: steps.load }),
  ...(steps.describe && { describe: steps.describe }),

  async predict(requests, { graphs, resources, maxBatch, deadline }, lap) {
    const prepared = await Promise.allSettled(
      requests.map(async (request) => {
        const rows = await steps.prepare(request, resources, deadline);
        return { request, rows, entries: rows.map((row): Entry<Row, Output> => ({ row })) };
      }),
    );
    lap('preprocess');

    const entries = prepared.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value.entries : []));
    for (const batch of batches(entries, steps, (row) => steps.batchSize(row, maxBatch, graphs)))
      await runBatch(batch, steps, resources, graphs);
    if (entries.some(({ outcome }) => outcome?.status === 'fulfilled')) lap('run');

    const outcomes = prepared.map((outcome): PromiseSettledResult<Answer> => {
      if (outcome.status === 'rejected') return outcome;
      try {
        const { request, rows, entries: own } = outcome.value;
        return { status: 'fulfilled', value: steps.postprocess(outputsOf(own), request, rows, resources) };
      } catch (reason) {
        return { status: 'rejected', reason };
      }
    });
    lap('postprocess');
    return outcomes;
  },
});
