import { type BulkFormat, FORMATS } from '../../src/jobs/bulk/bulk-run.ts';
import { nextCsvRecord, splitCells } from '../../src/jobs/bulk/table-records.ts';
import { misuse } from './misuse.ts';

interface BatchValues {
  readonly chunk?: string;
  readonly 'max-concurrency'?: string;
  readonly 'max-failures'?: string;
  readonly format?: string;
  readonly join?: string;
}

/** The limits of a run, and the form of its results. */
export interface BatchLimits {
  readonly chunk: number;
  readonly maxConcurrency: number;
  /** A share, 0 to 1. */
  readonly maxFailures: number;
  readonly format: BulkFormat;
  readonly join: string[];
}

const [MOST_ELEMENTS, MOST_CHILDREN] = [10_000, 10_000];

const readCount = (name: string, text: string, most: number): number => {
  if (/^[1-9]\d{0,5}$/.test(text) && Number(text) <= most) return Number(text);
  misuse(`--${name} ${text}, expected a number from 1 to ${most}`);
};

const readShare = (text: string): number => {
  const [, percent] = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) <= 100) return Number(percent) / 100;
  misuse(`--max-failures ${text}, expected a percentage, such as 1%`);
};

const readFormat = (text: string): BulkFormat => {
  const format = FORMATS.find((each) => each === text);
  if (format !== undefined) return format;
  misuse(`--format ${text}, expected ${FORMATS.join(' or ')}`);
};

/** Names that the results have already. */
const TAKEN = ['key', 'row', 'answer'];

const readColumns = (text: string): string[] => {
  const isBroken = nextCsvRecord(Buffer.from(text), 0, true)?.isBroken;
  const names = text === '' || isBroken ? [] : splitCells(text);
  const wrong = names.find(
    (name, index) => name === '' || TAKEN.includes(name) || name.startsWith('answer_') || names.indexOf(name) !== index,
  );
  if (wrong === undefined && !isBroken) return names;
  misuse(
    `--join ${text}, expected the names of columns, each once, with commas between them, and none of ${TAKEN.join(', ')}, answer_…`,
  );
};

/** @throws `INVALID_REQUEST` */
export const readBatchLimits = (values: BatchValues): BatchLimits => ({
  chunk: readCount('chunk', values.chunk ?? '200', MOST_ELEMENTS),
  maxConcurrency: readCount('max-concurrency', values['max-concurrency'] ?? '100', MOST_CHILDREN),
  maxFailures: readShare(values['max-failures'] ?? '1%'),
  format: readFormat(values.format ?? 'jsonl.gz'),
  join: readColumns(values.join ?? ''),
});
