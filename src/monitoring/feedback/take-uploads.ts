import { createHash } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { MonitorJob } from '../job.ts';
import { type ParsedFeedback, parseFeedback } from './parse-feedback.ts';
import { assertPartitions, partitionOf, storeFeedback } from './store-feedback.ts';

const FEEDBACK_PREFIX = 'feedback/';
/** The end of the name of the report that lies beside a file. */
const REPORT = '.report.json';

/** A file has some 100,000 lines. */
const MAX_BYTES = 50 * 1024 * 1024;
const MOST_NAMED = 100;
const SECONDS = /^\d+(\.\d+)?$/;

/** Lines that are written together. */
const LINES_AT_ONCE = 10_000;

interface Problem {
  readonly line: number;
  readonly problem: string;
}

/** The outcome of a file of feedback. */
interface Report {
  readonly etag: string;
  readonly accepted: number;
  readonly refused: number;
  readonly problems: readonly Problem[];
}

const reportKeyOf = (key: string): string => `${key}${REPORT}`;

/** Cells of a line, whose quotes are those of RFC 4180; line breaks in cells are not taken. */
const cellsOf = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare = '']) =>
    (quoted?.replaceAll('""', '"') ?? bare).trim(),
  );

const toDocument = (names: readonly string[], line: string): Record<string, unknown> => {
  const cells = cellsOf(line);
  const entries = names
    .map((name, index): [string, string] => [name, cells[index] ?? ''])
    .filter(([, cell]) => cell !== '');
  const { row, value, correct, time, ...texts } = Object.fromEntries(entries);
  return {
    ...texts,
    ...(time !== undefined && { time: SECONDS.test(time) ? Number(time) : time }),
    ...(row !== undefined && { row: Number(row) }),
    ...(value !== undefined && { value: Number(value) }),
    ...(correct !== undefined && {
      correct: ({ true: true, false: false, 1: true, 0: false } as const)[correct.toLowerCase()] ?? correct,
    }),
  };
};

/** The lines of a text with their numbers, one after another: all of them at once would be a second copy. */
function* linesOf(text: string): Generator<readonly [number: number, line: string]> {
  let [number, start] = [1, 0];
  for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r|$/g)) {
    yield [number, text.slice(start, index)];
    number += 1;
    start = index + end.length;
  }
}

/** Reads the CSV of a file, whose header names `id`, and `label`, `value` or `correct`. */
function* parseCsv(text: string, nowMs: number): Generator<ParsedFeedback | Problem> {
  let names: string[] = [];
  for (const [number, line] of linesOf(text.replace(/^\ufeff/, ''))) {
    if (number === 1) names = cellsOf(line);
    if (!names.includes('id')) {
      yield { line: number, problem: 'the header has no "id"' };
      return;
    }
    if (number === 1 || line === '') continue;
    try {
      yield parseFeedback(toDocument(names, line), nowMs);
    } catch (error) {
      yield { line: number, problem: ServingError.from(error).message };
    }
  }
}

/** Writes feedback, so many lines at once that any file of it fits into memory. @returns the lines that were accepted */
const storeLines = async (
  data: ObjectStore,
  lines: Iterable<ParsedFeedback | Problem>,
  batch: string,
  nowMs: number,
): Promise<number> => {
  let [accepted, objects] = [0, 0];
  let waiting: ParsedFeedback[] = [];
  const write = async (): Promise<void> => {
    await storeFeedback(data, waiting, nowMs, `${batch}-${String(objects++).padStart(4, '0')}`);
    accepted += waiting.length;
    waiting = [];
  };
  for (const line of lines) {
    if ('problem' in line) continue;
    waiting.push(line);
    if (waiting.length === LINES_AT_ONCE) await write();
  }
  await write();
  return accepted;
};

/** Stores the feedback of a file; one that is too large is refused as a whole. */
const storeFile = async (
  data: ObjectStore,
  key: string,
  etag: string,
  nowMs: number,
): Promise<Omit<Report, 'etag'>> => {
  try {
    const { body } = await data.read(key, MAX_BYTES);
    const text = Buffer.from(body).toString('utf8');
    const partitions = new Set<string>();
    const problems: Problem[] = [];
    let refused = 0;
    for (const line of parseCsv(text, nowMs)) {
      if (!('problem' in line)) partitions.add(partitionOf(line));
      else if (++refused <= MOST_NAMED) problems.push(line);
    }
    assertPartitions(partitions.size);
    const batch = `file-${createHash('sha256').update(`${key} ${etag}`).digest('hex').slice(0, 16)}`;
    return { accepted: await storeLines(data, parseCsv(text, nowMs), batch, nowMs), refused, problems };
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code !== 'PAYLOAD_TOO_LARGE') throw error;
    return { accepted: 0, refused: 1, problems: [{ line: 1, problem: message }] };
  }
};

/** Takes a file, unless its report says that it was taken. A second taker writes the same objects. */
const takeFile = async (data: ObjectStore, key: string, nowMs: number): Promise<void> => {
  const reported = await unlessMissing(data.head(reportKeyOf(key)));
  const { etag } = await data.head(key);
  if (reported?.metadata['source-etag'] === etag.replaceAll('"', '')) return;
  const report: Report = { etag, ...(await storeFile(data, key, etag, nowMs)) };
  await data.write(reportKeyOf(key), JSON.stringify(report, undefined, 2), {
    contentType: 'application/json',
    metadata: { 'source-etag': etag.replaceAll('"', '') },
  });
};

/** Takes the CSV files that people put below `feedback/`, and writes a report beside each. */
export const takeFeedbackFiles: MonitorJob = async ({ data, nowMs, telemetry }) => {
  for await (const { key } of data.list(FEEDBACK_PREFIX)) {
    if (!key.toLowerCase().endsWith('.csv')) continue;
    try {
      await takeFile(data, key, nowMs());
    } catch (error) {
      telemetry.warned(`the feedback in ${key} was not taken`, ServingError.from(error));
    }
  }
};
