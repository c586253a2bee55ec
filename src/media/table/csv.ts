import { parse } from 'csv-parse/sync';
import { assertTimeLeft, type Deadline, mapInTime } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { assertKnownColumn, assertLength, assertRowCount, MAX_ROWS, type Row, readList, refuseTable } from './rows.ts';
import type { Table } from './table.ts';

/** Most characters of a record, more than any real row has. */
const MAX_RECORD_CHARACTERS = 1_000_000;

const toText = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return refuseTable('the CSV is not UTF-8; save it in that encoding', error);
  }
};

/** Cells of a record beyond the columns of the table that are parsed, so that the message can give their number. */
const SPARE_CELLS = 100;

const [QUOTE, COMMA, LF, CR] = [0x22, 0x2c, 0x0a, 0x0d];

/** Limits the cells of each record. The parser limits characters only, and empty cells cost most. @throws `INVALID_INPUT` naming the line */
const assertWidths = (text: string, most: number): void => {
  let [line, cells, isQuoted] = [1, 1, false];
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === LF) line += 1;
    if (character === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && (character === LF || character === CR)) cells = 1;
    else if (!isQuoted && character === COMMA) cells += 1;
    if (cells > most) refuseTable(`CSV line ${line} has more than ${most} values`);
  }
};

/** Parses the first `count` records, of any number of cells. */
const parseRecords = (text: string, count: number, deadline: Deadline): string[][] => {
  try {
    return parse(text, {
      record_delimiter: ['\r\n', '\n', '\r'], // of each record, as in pandas; without it, the first one is that of the file
      skip_empty_lines: true,
      relax_column_count: true, // `readList` counts cells, for JSON and CSV alike
      max_record_size: MAX_RECORD_CHARACTERS,
      to: count,
      on_record: (record: string[], { records }) => {
        assertTimeLeft(deadline, `when ${records} records of the CSV were parsed`);
        return record;
      },
    });
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuseTable(`the CSV cannot be read: ${ServingError.from(error).message}`, error);
  }
};

/** The position of each column of the table in a record; undefined for a column that the header lacks. */
const readHeader = (header: readonly string[], table: Table): (number | undefined)[] => {
  const positions = new Map<string, number>();
  header.forEach((name, position) => {
    assertKnownColumn(name, table, () => 'CSV header');
    if (positions.has(name)) refuseTable(`CSV header: column ${JSON.stringify(name)} is there twice`);
    positions.set(name, position);
  });
  return table.columns.map(({ name }) => positions.get(name));
};

const NUMBER = /^\s*[+-]?[0-9.]/;

/**
 * Tells whether the first record is a header: a cell is the name of a column. Names that are numbers, such as those of pandas for columns
 * without names, may as well be values; only all of them together are a header.
 */
const isHeader = (first: readonly string[], { indexOf }: Table): boolean =>
  first.some((cell) => indexOf.has(cell) && !NUMBER.test(cell)) ||
  (new Set(first).size === first.length && first.every((cell) => indexOf.has(cell)));

/** Separators of other programs, which name the character and what pandas calls it. */
const OTHER_SEPARATORS = [
  [';', 'semicolons', 'sep=";", decimal=","'],
  ['\t', 'tabs', 'sep="\\t"'],
  ['|', 'vertical bars', 'sep="|"'],
] as const;

/** Refuses a table whose first line has its columns between other separators than commas. @throws `INVALID_INPUT` */
const assertCommas = (text: string, first: readonly string[], table: Table): void => {
  const { columns, indexOf } = table;
  if (columns.length < 2 || first.length === columns.length || (first.length > 0 && isHeader(first, table))) return;
  const [line = ''] = /[^\r\n]+/.exec(text) ?? [];
  for (const [separator, name, options] of OTHER_SEPARATORS) {
    const cells = line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const areNames = cells.length > 1 && cells.every((cell) => indexOf.has(cell));
    if (areNames || cells.length === columns.length)
      refuseTable(
        `the CSV has ${name} between its values, expected commas, and points in numbers: convert it, such as with ` +
          `pandas.read_csv("rows.csv", ${options}).to_csv("commas.csv", index=False)`,
      );
  }
};

/** The first record, whose values have commas between them. @throws `INVALID_INPUT` */
const readFirst = (text: string, table: Table, deadline: Deadline): string[] => {
  let first: string[] | undefined;
  try {
    [first] = parseRecords(text, 1, deadline);
  } catch (error) {
    assertCommas(text, [], table); // quotes before another separator are no CSV
    throw error;
  }
  if (first === undefined) return refuseTable('there are no rows');
  assertCommas(text, first, table);
  return first;
};

/**
 * Reads rows of comma-separated values in UTF-8 (RFC 4180). After a header, columns may be in any order, and may be missing. Otherwise
 * every record is a row, in the order of the table's columns.
 *
 * @param hasHeader default: the first record is a header if it names columns
 * @throws `INVALID_INPUT` naming row (counted from 1, without the header) and column; `DEADLINE_EXCEEDED`
 */
export const readCsv = (bytes: Uint8Array, table: Table, deadline: Deadline, hasHeader?: boolean): Row[] => {
  const text = toText(bytes);
  assertWidths(text, table.columns.length + SPARE_CELLS);
  const first = readFirst(text, table, deadline);
  const positions = (hasHeader ?? isHeader(first, table)) ? readHeader(first, table) : undefined;
  if (positions === undefined) assertLength(first, table, () => 'CSV row 1');
  const records = parseRecords(text, MAX_ROWS + 2, deadline); // a header, and one more row than allowed
  const rows = positions === undefined ? records : records.slice(1);
  assertRowCount(rows.length, table);
  return mapInTime(rows, deadline, (record, index) => {
    if (positions && record.length !== first.length)
      refuseTable(`CSV row ${index + 1} has ${record.length} values, expected ${first.length} as the header`);
    const values = positions?.map((position) => (position === undefined ? undefined : record[position])) ?? record;
    return readList(values, table, () => `CSV row ${index + 1}`);
  });
};
