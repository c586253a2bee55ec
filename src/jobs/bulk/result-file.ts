import { finished } from 'node:stream/promises';
import { isObject } from '../../core/is-object.ts';
import { parseExactJson, toExactJson } from '../../protocol/json.ts';
import type { BulkFormat } from './bulk-run.ts';

type Column = readonly unknown[];

const isScalar = (value: unknown): boolean => ['string', 'number', 'bigint', 'boolean'].includes(typeof value);

/** The scalar parts of an answer by the names of their columns; those of its first element where it is a list. */
const scalarsOf = (answer: unknown): Readonly<Record<string, unknown>> => {
  const first: unknown = Array.isArray(answer) ? answer[0] : answer;
  if (isScalar(first)) return { answer_value: first };
  const entries = isObject(first) ? Object.entries(first).filter(([, value]) => isScalar(value)) : [];
  return Object.fromEntries(entries.map(([name, value]) => [`answer_${name}`, value]));
};

const toText = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : toExactJson(value);
};

/** Numbers stay numbers in a column that has nothing else; integers beyond 2^53 become text, which keeps their digits. */
const toColumn = (name: string, values: Column) => {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length > 0 && known.every((value) => typeof value === 'number'))
    return { name, type: 'DOUBLE' as const, data: values.map((value) => value ?? null) };
  return { name, type: 'STRING' as const, data: values.map(toText) };
};

/** Rows of answers as a Parquet file: the key or the row, joined columns, the answer as JSON, and its scalar parts. */
const toParquet = async (lines: readonly string[]): Promise<Uint8Array> => {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const rows = lines.map((line): Readonly<Record<string, unknown>> => {
    const parsed = parseExactJson(line);
    const { key, row, columns = {}, answer } = isObject(parsed) ? parsed : {};
    return {
      ...(key === undefined ? { row } : { key }),
      ...(isObject(columns) && columns),
      answer,
      ...scalarsOf(answer),
    };
  });
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columnData = names.map((name) => {
    const values = rows.map((row) => row[name]);
    if (name === 'row') return { name, type: 'INT64' as const, data: values.map((value) => BigInt(Number(value))) };
    if (name === 'answer') return { name, type: 'STRING' as const, data: values.map(toExactJson) };
    return toColumn(name, values);
  });
  const none = [{ name: 'answer', type: 'STRING' as const, data: [] }];
  return new Uint8Array(parquetWriteBuffer({ columnData: columnData.length > 0 ? columnData : none }));
};

/** A file of results while its lines come. */
export interface ResultFile {
  /** Adds lines of JSON, each with its line end. */
  add(lines: string): void;
  /** The whole file, to which no line is added any more. */
  end(): Promise<Uint8Array>;
}

/** Bytes of compressed lines that come back to this thread at once. */
const GZIP_PART = 256 * 1024;

/** Compresses lines in a thread of their own while the next ones are answered. */
const createGzip = (): ResultFile => {
  const zlib = process.getBuiltinModule('node:zlib'); // no cold start waits for it
  const gzip = zlib.createGzip({ chunkSize: GZIP_PART });
  const parts: Buffer[] = [];
  gzip.on('data', (part) => parts.push(part));
  const ended = finished(gzip);
  ended.catch(() => undefined); // a chunk that fails does not ask for it
  return {
    add: (lines) => {
      if (lines !== '') gzip.write(lines);
    },
    async end() {
      gzip.end();
      await ended;
      return Buffer.concat(parts);
    },
  };
};

const createParquet = (): ResultFile => {
  const all: string[] = [];
  return {
    add: (lines) => {
      for (const line of lines.split('\n')) if (line !== '') all.push(line);
    },
    end: () => toParquet(all),
  };
};

interface FileOfResults {
  readonly contentType: string;
  readonly create: () => ResultFile;
}

/** The files of lines of answers, by format. */
export const RESULT_FILES: Readonly<Record<BulkFormat, FileOfResults>> = {
  'jsonl.gz': { contentType: 'application/gzip', create: createGzip },
  parquet: { contentType: 'application/vnd.apache.parquet', create: createParquet },
};
