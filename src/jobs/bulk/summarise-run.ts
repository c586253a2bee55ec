import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type BulkRun, failuresKey, manifestKey, readPlan, resultKey, resultsPrefix } from './bulk-run.ts';
import { type DoneChunk, readDone } from './chunk-end.ts';

/** A run as far as it has come. */
export interface BulkSummary {
  readonly chunks: { readonly done: number; readonly total: number };
  readonly elements: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly isPlanned: boolean;
}

type CountedChunks = ReadonlyMap<number, DoneChunk>;

const SIDE_BY_SIDE = 32;

/** The chunks from `first` on that have results, ascending. */
const doneChunks = async (data: ObjectStore, run: BulkRun, first: number): Promise<number[]> => {
  const prefix = resultsPrefix(run.name);
  const done: number[] = [];
  for await (const { key } of data.list(prefix, first === 0 ? undefined : resultKey(run, first - 1)))
    done.push(Number.parseInt(key.slice(prefix.length), 10));
  return done;
};

/** Counts by the metadata of the results. Chunks that were counted before are not read again, nor listed below the first that is missing. */
export const createSummariser = (data: ObjectStore, run: BulkRun) => {
  const counted = new Map<number, DoneChunk>();
  let missing = 0;
  return async (): Promise<BulkSummary & { readonly counted: CountedChunks }> => {
    const plan = await readPlan(data, run.name);
    while (counted.has(missing)) missing += 1;
    const unknown = (await doneChunks(data, run, missing)).filter((chunk) => !counted.has(chunk));
    for (let start = 0; start < unknown.length; start += SIDE_BY_SIDE)
      await Promise.all(
        unknown.slice(start, start + SIDE_BY_SIDE).map(async (chunk) => {
          const done = await readDone(data, run, chunk);
          if (done) counted.set(chunk, done);
        }),
      );
    const ends = [...counted.values()].map(({ end }) => end);
    return {
      chunks: { done: counted.size, total: plan.chunks },
      elements: plan.elements,
      succeeded: ends.reduce((sum, end) => sum + end.succeeded, 0),
      failed: ends.reduce((sum, end) => sum + end.failed, 0),
      isPlanned: plan.isComplete,
      counted,
    };
  };
};

/** The failures of a run, line by line, in the order of its elements. */
export async function* readFailures(data: ObjectStore, counted: CountedChunks): AsyncGenerator<string> {
  for (const [, { failuresKey }] of [...counted].sort(([a], [b]) => a - b))
    if (failuresKey !== undefined) {
      const { body } = await data.read(failuresKey);
      yield* Buffer.from(body).toString('utf8').split('\n').filter(Boolean);
    }
}

/** Characters after which a file of failures ends, and the next one begins: a writer holds one of them. */
const MOST_FILE_LENGTH = 32 * 1024 * 1024;

/** Writes the failures of a run to as many files as they need. @returns the keys of the files, and the failures by reason */
const writeFailures = async (
  data: ObjectStore,
  { name }: BulkRun,
  counted: CountedChunks,
): Promise<{ readonly failures: readonly string[]; readonly reasons: Readonly<Record<string, number>> }> => {
  const reasons: Record<string, number> = {};
  const failures: string[] = [];
  let [lines, length]: [string[], number] = [[], 0];
  const flush = async (): Promise<void> => {
    const key = failuresKey(name, failures.length);
    await data.write(key, lines.join(''), { contentType: 'application/jsonl' });
    failures.push(key);
    [lines, length] = [[], 0];
  };
  for await (const line of readFailures(data, counted)) {
    const { code }: { code: string } = JSON.parse(line);
    reasons[code] = (reasons[code] ?? 0) + 1;
    if (length > 0 && length + line.length >= MOST_FILE_LENGTH) await flush();
    lines.push(`${line}\n`);
    length += line.length + 1;
  }
  await flush();
  return { failures, reasons };
};

/** Writes `failures.jsonl`, and further files of failures where there are very many, and `manifest.json` beside the results. */
export const writeManifest = async (
  data: ObjectStore,
  run: BulkRun,
  { counted, ...summary }: Awaited<ReturnType<ReturnType<typeof createSummariser>>>,
): Promise<Readonly<Record<string, number>>> => {
  const written = await writeFailures(data, run, counted);
  const files = [...counted.keys()].sort((a, b) => a - b).map((chunk) => resultKey(run, chunk));
  const manifest = { ...run, ...summary, ...written, files };
  await data.write(manifestKey(run.name), JSON.stringify(manifest, undefined, 2), { contentType: 'application/json' });
  return written.reasons;
};
