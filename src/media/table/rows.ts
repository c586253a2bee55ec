import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { type Cell, readCell } from './cell.ts';
import type { Table } from './table.ts';

/** The cells of one row, in the order of the table's columns. */
export type Row = readonly Cell[];

export const MAX_ROWS = 100_000;

const fail = (problem: string): never => {
  throw new ServingError('INVALID_INPUT', problem);
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const columnNames = ({ columns }: Table): string => {
  const names = columns.map(({ name }) => show(name));
  return names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length})` : names.join(', ');
};

export const assertRowCount = (count: number): void => {
  if (count === 0) fail('there are no rows');
  if (count > MAX_ROWS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `there are ${count} rows, at most ${MAX_ROWS} are taken at once: send them in parts`,
    );
};

/** @throws `INVALID_INPUT` naming the column */
export const assertKnownColumn = (name: string, table: Table, row: () => string): void => {
  if (!table.indexOf.has(name)) fail(`${row()}: column ${show(name)} is unknown, the model has ${columnNames(table)}`);
};

/** @throws `INVALID_INPUT` naming the columns */
export const assertLength = (values: readonly unknown[], table: Table, row: () => string): void => {
  const { length } = table.columns;
  if (values.length !== length) fail(`${row()} has ${values.length} values, expected ${length}: ${columnNames(table)}`);
};

/** A row by position. @throws `INVALID_INPUT` */
export const readList = (values: readonly unknown[], table: Table, row: () => string): Row => {
  assertLength(values, table, row);
  return table.columns.map((column, index) => readCell(values[index], column, row));
};

/** A row by column name; a column that is not there is missing. @throws `INVALID_INPUT` */
const readRecord = (record: Readonly<Record<string, unknown>>, table: Table, row: () => string): Row => {
  for (const name of Object.keys(record)) assertKnownColumn(name, table, row);
  return table.columns.map((column) =>
    readCell(Object.hasOwn(record, column.name) ? record[column.name] : undefined, column, row),
  );
};

const readRow = (value: unknown, table: Table, row: () => string): Row => {
  if (Array.isArray(value)) return readList(value, table, row);
  if (isObject(value)) return readRecord(value, table, row);
  return fail(`${row()} is ${show(value)}, expected a row: [1.5, …] or {"column": 1.5, …}`);
};

/** `{"column": [values of all rows], …}`, as the Hugging Face API takes tables. */
const readColumns = (data: Readonly<Record<string, unknown>>, table: Table): Row[] => {
  const lists = new Map<string, readonly unknown[]>();
  for (const [name, values] of Object.entries(data)) {
    assertKnownColumn(name, table, () => 'inputs.data');
    lists.set(name, Array.isArray(values) ? values : fail(`inputs.data: column ${show(name)} is no list of values`));
  }
  const [first = []] = lists.values();
  for (const [name, { length }] of lists)
    if (length !== first.length)
      fail(`inputs.data: column ${show(name)} has ${length} values, the first one ${first.length}`);
  assertRowCount(first.length);
  return first.map((_, index) =>
    table.columns.map((column) => readCell(lists.get(column.name)?.[index], column, () => `inputs.data, row ${index}`)),
  );
};

/**
 * Rows of JSON: one row, a list of rows, each an array or an object, or `{"data": {"column": [values]}}`.
 * A list of plain values is one row.
 * @throws `INVALID_INPUT` naming row and column
 */
export const readRows = (inputs: unknown, table: Table): Row[] => {
  if (Array.isArray(inputs)) {
    assertRowCount(inputs.length);
    if (!inputs.some((value) => typeof value === 'object' && value !== null))
      return [readList(inputs, table, () => 'inputs')];
    return inputs.map((value: unknown, index) => readRow(value, table, () => `inputs[${index}]`));
  }
  if (isObject(inputs) && isObject(inputs.data) && !table.indexOf.has('data')) return readColumns(inputs.data, table);
  return [readRow(inputs, table, () => 'inputs')];
};
