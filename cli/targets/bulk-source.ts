import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { ServingError } from '../../src/core/errors.ts';
import { messageOf } from '../../src/core/message-of.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-run.ts';
import { prefixSource, type ReadSource, type SourceElement } from '../../src/jobs/bulk/plan-run.ts';
import { UPLOADS_PREFIX } from '../../src/protocol/task-api/object-reference.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';

/** Lines of a file with their numbers, from 1. */
async function* readLines(path: string): AsyncGenerator<readonly [number, string]> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() !== '') yield [number, line];
  }
}

const toJsonElement = (row: number, line: string): BulkElement => {
  try {
    return { row, input: JSON.parse(line) };
  } catch (error) {
    return { row, problem: `line ${row} is not JSON: ${messageOf(error)}` };
  }
};

/** The value of JSON text; undefined for any other text. */
const parseQuoted = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A key as it is, or as a JSON string: a key may have line breaks. */
const toKeyElement = (row: number, line: string): BulkElement => {
  const key = line.startsWith('"') ? parseQuoted(line) : line;
  if (typeof key === 'string' && key.startsWith(UPLOADS_PREFIX)) return { key };
  return { row, problem: `line ${row} is ${line}, expected a key below ${UPLOADS_PREFIX}` };
};

const quote = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const toCsv = (record: readonly string[]): string => record.map(quote).join(',');

/** A quotation mark that nothing closes makes a row of the rest of the file. */
const MOST_ROW_CHARACTERS = 16 * 1024 * 1024;
const CSV_OPTIONS = {
  ...{ bom: true, relax_column_count: true, relax_quotes: true },
  max_record_size: MOST_ROW_CHARACTERS,
};

/** The records of a file of CSV. @throws `INVALID_INPUT` for a quotation mark that nothing closes */
async function* readRecords(path: string): AsyncGenerator<readonly string[]> {
  const records = parse(CSV_OPTIONS);
  pipeline(createReadStream(path), records, () => undefined); // the records end with its error
  try {
    yield* records as AsyncIterable<string[]>;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new ServingError('INVALID_INPUT', `${path} cannot be read as CSV: ${messageOf(cause)}`, { cause });
  }
}

/** Rows of CSV, each below the header. Quoted cells may have line breaks; a row of another length cannot be read. */
async function* readCsv(path: string): AsyncGenerator<BulkElement> {
  let header: readonly string[] | undefined;
  let row = 0;
  for await (const record of readRecords(path)) {
    if (header === undefined) {
      header = record;
      continue;
    }
    row += 1;
    if (record.length === header.length) yield { row, csv: `${toCsv(header)}\n${toCsv(record)}\n` };
    else yield { row, problem: `row ${row} has ${record.length} cells, the header has ${header.length}` };
  }
}

/** Reads a file from its beginning, and passes over what was planned before. */
const fileSource = (read: () => AsyncIterable<BulkElement>): ReadSource =>
  async function* (cursor): AsyncGenerator<SourceElement> {
    let number = 0;
    for await (const element of read()) {
      number += 1;
      if (number > Number(cursor)) yield { element, cursor: String(number) };
    }
  };

async function* mapLines(
  path: string,
  toElement: (row: number, line: string) => BulkElement,
): AsyncGenerator<BulkElement> {
  for await (const [row, line] of readLines(path)) yield toElement(row, line);
}

const FILES: Readonly<Record<string, (path: string) => AsyncIterable<BulkElement>>> = {
  '.jsonl': (path) => mapLines(path, toJsonElement),
  '.csv': readCsv,
  '.txt': (path) => mapLines(path, toKeyElement),
};

/**
 * The elements of a prefix of the data bucket, of a `.jsonl` or `.csv` file, or of a `.txt` file of keys.
 * @throws `INVALID_REQUEST`, `NOT_FOUND`
 */
export const openSource = async (data: ObjectStore, source: string): Promise<ReadSource> => {
  const prefix = source.replace(/^s3:\/\/[^/]+\//, '');
  if (prefix.startsWith(UPLOADS_PREFIX)) return prefixSource(data, prefix);
  const read = FILES[extname(source).toLowerCase()];
  if (read === undefined)
    throw new ServingError(
      'INVALID_REQUEST',
      `the source is ${source}, expected a prefix below ${UPLOADS_PREFIX} of the data bucket, or a file: ${Object.keys(FILES).join(', ')}`,
    );
  if (!(await stat(source).catch(() => undefined))?.isFile())
    throw new ServingError('NOT_FOUND', `there is no file ${source}`);
  return fileSource(() => read(source));
};
