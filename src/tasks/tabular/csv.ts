import { type CsvError, parse } from 'csv-parse/sync';
import { ServingError } from '../../core/errors.ts';
import { assertKnownColumn, assertRowCount, MAX_ROWS, type Row, readList } from './rows.ts';
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

const parseRecords = (text: string): string[][] => {
  try {
    return parse(text, {
      relax_column_count: true, // counted here, where the row and its columns can be named
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_CHARACTERS,
      to: MAX_ROWS + 2, // a header, and one too many
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
  const records = parseRecords(toText(bytes));
  const [first = []] = records;
  const places = first.some((cell) => table.indexOf.has(cell)) ? readHeader(first, table) : undefined;
  const rows = places === undefined ? records : records.slice(1);
  assertRowCount(rows.length);
  return rows.map((record, index) => {
    const row = () => `CSV row ${index + 1}`;
    if (places === undefined) return readList(record, table, row);
    if (record.length !== first.length) fail(`${row()} has ${record.length} values, the header names ${first.length}`);
    return readList(
      places.map((place) => (place === undefined ? undefined : record[place])),
      table,
      row,
    );
  });
};
