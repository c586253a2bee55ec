import { createHash } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { MonitorJob } from '../job.ts';
import { type ParsedFeedback, parseFeedback } from './parse-feedback.ts';
import { storeFeedback } from './store-feedback.ts';

const FEEDBACK_PREFIX = 'feedback/';
/** The end of the name of the report that lies beside a file. */
const REPORT = '.report.json';

/** A file has some 100,000 lines. */
const MAX_BYTES = 50 * 1024 * 1024;
const MOST_NAMED = 100;
const SECONDS = /^\d+(\.\d+)?$/;

/** The outcome of a file of feedback. */
interface Report {
  readonly etag: string;
  readonly accepted: number;
  readonly refused: number;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
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

/** Reads the CSV of a file, whose header names `id`, and `label`, `value` or `correct`. */
const parseCsv = (text: string, nowMs: number): Omit<Report, 'etag' | 'accepted'> & { feedback: ParsedFeedback[] } => {
  const [header = '', ...lines] = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const names = cellsOf(header);
  const feedback: ParsedFeedback[] = [];
  const problems: { line: number; problem: string }[] = [];
  if (!names.includes('id'))
    return { feedback, refused: 1, problems: [{ line: 1, problem: 'the header has no "id"' }] };
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    try {
      feedback.push(parseFeedback(toDocument(names, line), nowMs));
    } catch (error) {
      problems.push({ line: index + 2, problem: ServingError.from(error).message });
    }
  }
  return { feedback, refused: problems.length, problems: problems.slice(0, MOST_NAMED) };
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
    const { feedback, ...rest } = parseCsv(Buffer.from(body).toString('utf8'), nowMs);
    const batch = `file-${createHash('sha256').update(`${key} ${etag}`).digest('hex').slice(0, 16)}`;
    await storeFeedback(data, feedback, nowMs, batch);
    return { accepted: feedback.length, ...rest };
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
