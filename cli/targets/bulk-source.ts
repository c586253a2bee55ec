import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { ServingError } from '../../src/core/errors.ts';
import { type BulkElement, elementSchema } from '../../src/jobs/bulk/bulk-element.ts';
import { type BulkRun, readRun } from '../../src/jobs/bulk/bulk-run.ts';
import { MOST_CHUNK_BYTES, prefixSource, type ReadSource, type SourceElement } from '../../src/jobs/bulk/plan-run.ts';
import { createSummariser, readFailures } from '../../src/jobs/bulk/summarise-run.ts';
import type { TableKind } from '../../src/jobs/bulk/table-slice.ts';
import { type TableFile, tableSource } from '../../src/jobs/bulk/table-source.ts';
import { isCompressed } from '../../src/protocol/content.ts';
import { parseExactJson } from '../../src/protocol/json.ts';
import { UPLOADS_PREFIX } from '../../src/protocol/task-api/object-reference.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';

type SourceOfRun = Pick<BulkRun, 'source' | 'retryOf' | 'chunk' | 'join'>;
const KINDS: readonly TableKind[] = ['csv', 'jsonl'];
const READ_BYTES = 1024 * 1024;

/** Lines of a file with their numbers, from 1. */
async function* readLines(path: string): AsyncGenerator<readonly [number, string]> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() !== '') yield [number, line];
  }
}

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

/** Reads elements from their beginning, and passes over what was planned before. */
const countedSource = (read: () => AsyncIterable<BulkElement>): ReadSource =>
  async function* (cursor): AsyncGenerator<SourceElement> {
    let number = 0;
    for await (const element of read()) {
      number += 1;
      if (number > Number(cursor)) yield { element, cursor: String(number) };
    }
  };

async function* readKeys(path: string): AsyncGenerator<BulkElement> {
  for await (const [row, line] of readLines(path)) yield toKeyElement(row, line);
}

/** The failures of a run. @throws `INVALID_REQUEST` when there are none */
const failuresSource = async (data: ObjectStore, name: string): Promise<ReadSource> => {
  const { counted, failed } = await createSummariser(data, await readRun(data, name))();
  if (failed === 0) throw new ServingError('INVALID_REQUEST', `run ${name} has no failures`);
  return countedSource(async function* () {
    for await (const line of readFailures(data, counted)) yield v.parse(elementSchema, parseExactJson(line));
  });
};

const kindOf = (path: string): TableKind | undefined => KINDS.find((kind) => path.toLowerCase().endsWith(`.${kind}`));

/** A table in the data bucket. @throws `NOT_FOUND`, `INVALID_REQUEST` for a compressed one, of which no part can be read alone */
const storedTable = async (data: ObjectStore, key: string, kind: TableKind): Promise<TableFile> => {
  const { etag, sizeBytes, contentEncoding } = await data.head(key);
  if (isCompressed(contentEncoding))
    throw new ServingError(
      'INVALID_REQUEST',
      `${key} is stored with the content-encoding ${contentEncoding}; a table of a run is stored as it is`,
    );
  return { path: key, kind, stamp: etag, open: (offset) => data.readRange(key, offset, sizeBytes, etag) };
};

const localTable = ({ size, mtimeMs }: Stats, path: string, kind: TableKind): TableFile => ({
  ...{ path, kind, stamp: `${size}-${mtimeMs}` },
  open: (start) => createReadStream(path, { start, highWaterMark: READ_BYTES }),
});

/** The key or the path of a source. @throws `INVALID_REQUEST` for another bucket than the data bucket */
const toPlace = ({ location }: ObjectStore, source: string): string => {
  const [, bucket, key = ''] = /^(s3:\/\/[^/]*)\/?(.*)$/s.exec(source) ?? [];
  if (bucket === undefined) return source;
  if (bucket === location) return key;
  throw new ServingError('INVALID_REQUEST', `the source is ${source}; only the data bucket is read: ${location}`);
};

/**
 * The elements of a prefix of the data bucket, of a table there, of a `.jsonl` or `.csv` file, or of a `.txt` file of keys. A retry has the failures
 * of another run instead.
 * @throws `INVALID_REQUEST`, `NOT_FOUND`
 */
export const openSource = async (data: ObjectStore, run: SourceOfRun): Promise<ReadSource> => {
  const { source, chunk: rows, join, retryOf } = run;
  if (retryOf !== undefined) return failuresSource(data, retryOf);
  const kind = kindOf(source);
  const limits = { rows, bytes: MOST_CHUNK_BYTES };
  if (join.length > 0 && kind === undefined)
    throw new ServingError('INVALID_REQUEST', `--join passes columns of a table through, and ${source} is none`);
  const prefix = toPlace(data, source);
  if (prefix.startsWith(UPLOADS_PREFIX))
    return kind === undefined
      ? prefixSource(data, prefix)
      : tableSource(await storedTable(data, prefix, kind), limits, join);
  const isKeys = extname(source).toLowerCase() === '.txt';
  if (kind === undefined && !isKeys)
    throw new ServingError(
      'INVALID_REQUEST',
      `the source is ${source}, expected a prefix below ${UPLOADS_PREFIX} of the data bucket, or a file: .jsonl, .csv, .txt`,
    );
  const found = await stat(source).catch(() => undefined);
  if (!found?.isFile()) throw new ServingError('NOT_FOUND', `there is no file ${source}`);
  return kind === undefined
    ? countedSource(() => readKeys(source))
    : tableSource(localTable(found, source, kind), limits, join);
};
