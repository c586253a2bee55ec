import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { ReadSource, SourceElement } from './plan-run.ts';
import { splitCells, type TableRecord } from './table-records.ts';
import { TABLE_RECORDS, type TableKind } from './table-slice.ts';

/** A file of CSV or JSON Lines, on this computer or in the data bucket. */
export interface TableFile {
  readonly path: string;
  readonly kind: TableKind;
  /** Changes when the file does. */
  readonly stamp: string;
  /** The bytes from an offset on. */
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
}

/** Rows of a slice, and its bytes: a child reads it whole. */
export interface SliceLimits {
  readonly rows: number;
  readonly bytes: number;
}

/** Most bytes of a record. */
const MOST_RECORD_BYTES = 16 * 1024 * 1024;
const BOM = '\ufeff';

interface Placed {
  readonly record: TableRecord;
  readonly text: string;
  readonly line: number;
  /** The offset in the file behind the record. */
  readonly next: number;
}

/** The records from an offset on, with an offset that is where a record begins. @throws `INVALID_INPUT` for a record without an end */
async function* readRecords(
  { path, kind, open }: TableFile,
  offset: number,
  firstLine: number,
): AsyncGenerator<Placed> {
  const nextRecord = TABLE_RECORDS[kind];
  let [bytes, base, line] = [Buffer.alloc(0), offset, firstLine];
  const take = function* (isEnd: boolean): Generator<Placed> {
    let at = 0;
    while (at < bytes.length) {
      const record = nextRecord(bytes, at, isEnd);
      if (record === undefined) break;
      yield { record, text: bytes.toString('utf8', at, record.next), line, next: base + record.next };
      at = record.next;
      line += record.lines;
    }
    bytes = bytes.subarray(at);
    base += at;
  };
  for await (const part of open(offset)) {
    bytes = Buffer.concat([bytes, part]);
    yield* take(false);
    if (bytes.length > MOST_RECORD_BYTES)
      throw new ServingError('INVALID_INPUT', `${path}, line ${line}: a row has more than ${MOST_RECORD_BYTES} bytes`);
  }
  yield* take(true);
}

interface Header {
  readonly names: readonly string[];
  readonly line: number;
  readonly next: number;
}

/** @throws `INVALID_INPUT` */
const readHeader = async (file: TableFile): Promise<Header> => {
  for await (const { record, text, line, next } of readRecords(file, 0, 1)) {
    const trimmed = (line === 1 && text.startsWith(BOM) ? text.slice(1) : text).replace(/[\r\n]+$/, '');
    if (trimmed.trim() === '') continue;
    const refuse = (problem: string): never => {
      throw new ServingError('INVALID_INPUT', `the header of ${file.path} ${problem}`);
    };
    if (trimmed.includes('\ufffd')) refuse('is not UTF-8; save the file in that encoding');
    if (record.isBroken) refuse('has a quotation mark that nothing closes');
    const names = splitCells(trimmed);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) refuse(`names the column ${show(twice)} twice`);
    return { names, line: line + record.lines, next };
  }
  throw new ServingError('INVALID_INPUT', `${file.path} has no header`);
};

/** The place in a table from which a plan goes on: offset, line and row of the next record, and the stamp of the file. */
interface Cursor {
  readonly offset: number;
  readonly line: number;
  readonly row: number;
  readonly stamp: string;
}

/** @throws `CONFLICT` when the file has changed since the cursor was written */
const toStart = (file: TableFile, cursor: string, header: Header): Cursor => {
  if (cursor === '') return { offset: header.next, line: header.line, row: 1, stamp: file.stamp };
  const start: Cursor = JSON.parse(cursor);
  if (start.stamp === file.stamp) return start;
  throw new ServingError('CONFLICT', `${file.path} has changed since its plan was begun; begin another run`);
};

const NO_HEADER: Header = { names: [], line: 1, next: 0 };

/** A table in slices that end where records end. @throws `INVALID_INPUT`, and `CONFLICT` for a file that has changed */
export const tableSource = (file: TableFile, limits: SliceLimits, join: readonly string[] = []): ReadSource =>
  async function* (cursor) {
    const header = file.kind === 'csv' ? await readHeader(file) : NO_HEADER;
    for (const name of join)
      if (file.kind === 'csv' && !header.names.includes(name))
        throw new ServingError(
          'INVALID_REQUEST',
          `--join names the column ${show(name)}, and ${file.path} has ${header.names.map((each) => show(each)).join(', ')}`,
        );
    let first = toStart(file, cursor, header);
    let [texts, rows, bytes]: [string[], number, number] = [[], 0, 0];
    const toSlice = (next: Omit<Cursor, 'row' | 'stamp'>): SourceElement => {
      const { row, line } = first;
      const element = { slice: file.kind, header: [...header.names], row, line, text: texts.join('') };
      first = { ...next, row: row + rows, stamp: file.stamp };
      const slice = { element, elements: rows, cursor: JSON.stringify(first) };
      [texts, rows, bytes] = [[], 0, 0];
      return slice;
    };
    let place = { offset: first.offset, line: first.line };
    for await (const { record, text, line, next } of readRecords(file, first.offset, first.line)) {
      texts.push(line === 1 && text.startsWith(BOM) ? text.slice(1) : text);
      rows += text.trim() === '' ? 0 : 1;
      bytes += text.length;
      place = { offset: next, line: line + record.lines };
      if (rows === limits.rows || bytes >= limits.bytes) yield toSlice(place);
    }
    if (rows > 0) yield toSlice(place);
  };
