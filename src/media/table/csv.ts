import { type CsvError, parse } from 'csv-parse/sync';
import { ServingError } from '../../core/errors.ts';
import { assertKnownColumn, assertLength, assertRowCount, MAX_ROWS, type Row, readList } from './rows.ts';
import type { Table } from './table.ts';

/** Longer than any row that is one. */
const MAX_RECORD_CHARACTERS = 1_000_000;

const fail = (problem: string, cause?: unknown): never => {
  throw new ServingError('INVALID_INPUT', problem, { cause });
};

const toText = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return fail('the CSV is not UTF-8; save it in that encoding', error);
  }
};

/** Of a record, above the columns of the table: so that a mistake is named for what it is. */
const SPARE_CELLS = 100;

const [QUOTE, COMMA, LF, CR] = [0x22, 0x2c, 0x0a, 0x0d];

/** The parser bounds the characters of a record, not its cells, of which empty ones cost most. @throws `INVALID_INPUT` naming the line */
const assertWidths = (text: string, most: number): void => {
  let [line, cells, isQuoted] = [1, 1, false];
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === LF) line += 1;
    if (character === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && (character === LF || character === CR)) cells = 1;
    else if (!isQuoted && character === COMMA) cells += 1;
    if (cells > most) fail(`CSV line ${line} has more than ${most} values`);
  }
};

/** The first `count` records, of any length. */
const parseRecords = (text: string, count: number): string[][] => {
  try {
    return parse(text, {
      skip_empty_lines: true,
      relax_column_count: true, // told by row below, as rows of JSON are
      max_record_size: MAX_RECORD_CHARACTERS,
      to: count,
    });
  } catch (error) {
    return fail(`the CSV cannot be read: ${(error as CsvError).message}`, error);
  }
};

/** For each column of the table its place in a record; undefined where the header lacks it. */
const readHeader = (header: readonly string[], table: Table): (number | undefined)[] => {
  const places = new Map<string, number>();
  header.forEach((name, place) => {
    assertKnownColumn(name, table, () => 'CSV header');
    if (places.has(name)) fail(`CSV header: column ${JSON.stringify(name)} is there twice`);
    places.set(name, place);
  });
  return table.columns.map(({ name }) => places.get(name));
};

/**
 * Rows of comma-separated values in UTF-8 (RFC 4180). The first record is a header when one of its cells is the name of a column;
 * then columns may come in any order, and be missing. Otherwise every record is a row, in the order of the table's columns.
 *
 * @throws `INVALID_INPUT` naming row (counted from 1, without the header) and column
 */
export const readCsv = (bytes: Uint8Array, table: Table): Row[] => {
  const text = toText(bytes);
  assertWidths(text, table.columns.length + SPARE_CELLS);
  const [first] = parseRecords(text, 1);
  if (first === undefined) return fail('there are no rows');
  const places = first.some((cell) => table.indexOf.has(cell)) ? readHeader(first, table) : undefined;
  if (places === undefined) assertLength(first, table, () => 'CSV row 1');
  const records = parseRecords(text, MAX_ROWS + 2); // a header, and one too many
  const rows = places === undefined ? records : records.slice(1);
  assertRowCount(rows.length);
  return rows.map((record, index) => {
    if (places && record.length !== first.length)
      fail(`CSV row ${index + 1} has ${record.length} values, expected ${first.length} as the header`);
    const values = places?.map((place) => (place === undefined ? undefined : record[place])) ?? record;
    return readList(values, table, () => `CSV row ${index + 1}`);
  });
};
