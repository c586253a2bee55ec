import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { type Cell, readCell } from './cell.ts';
import type { Table } from './table.ts';

/** Cells of one row, in the order of the table's columns. */
export type Row = readonly Cell[];

export const MAX_ROWS = 100_000;
/** Most values of all rows together. Missing ones count: a row may leave out optional columns, and costs a caller two bytes then. */
const MAX_VALUES = 2 ** 25;

/** @throws `INVALID_INPUT` */
export const refuseTable = (problem: string, cause?: unknown): never => {
  throw new ServingError('INVALID_INPUT', problem, { cause });
};

const columnNames = ({ columns }: Table): string => {
  const names = columns.map(({ name }) => show(name));
  return names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length})` : names.join(', ');
};

/** @throws `INVALID_INPUT` for no rows, `PAYLOAD_TOO_LARGE` for more than `MAX_ROWS` or `MAX_VALUES` */
export const assertRowCount = (count: number, { columns }: Table): void => {
  if (count === 0) refuseTable('there are no rows');
  if (count > MAX_ROWS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `there are ${count} rows, at most ${MAX_ROWS} are taken at once: send them in parts`,
    );
  if (count * columns.length > MAX_VALUES)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `${count} rows of ${columns.length} columns have more than ${MAX_VALUES} values: send them in parts`,
    );
};

/** @throws `INVALID_INPUT` naming the column */
export const assertKnownColumn = (name: string, table: Table, row: () => string): void => {
  if (!table.indexOf.has(name))
    refuseTable(`${row()}: column ${show(name)} is unknown, the model has ${columnNames(table)}`);
};

/** @throws `INVALID_INPUT` naming the columns */
export const assertLength = (values: readonly unknown[], table: Table, row: () => string): void => {
  const { length } = table.columns;
  if (values.length !== length)
    refuseTable(`${row()} has ${values.length} values, expected ${length}: ${columnNames(table)}`);
};

/** Reads a row whose values are in the order of the columns. @throws `INVALID_INPUT` naming row and column */
export const readList = (values: readonly unknown[], table: Table, row: () => string): Row => {
  assertLength(values, table, row);
  return table.columns.map((column, index) => readCell(values[index], column, row));
};

/** Reads a row by the names of columns, some of which may be missing. @throws `INVALID_INPUT` naming row and column */
const readRecord = (record: Readonly<Record<string, unknown>>, table: Table, row: () => string): Row => {
  for (const name of Object.keys(record)) assertKnownColumn(name, table, row);
  return table.columns.map((column) =>
    readCell(Object.hasOwn(record, column.name) ? record[column.name] : undefined, column, row),
  );
};

const readRow = (value: unknown, table: Table, row: () => string): Row => {
  if (Array.isArray(value)) return readList(value, table, row);
  if (isObject(value)) return readRecord(value, table, row);
  return refuseTable(`${row()} is ${show(value)}, expected a row: [1.5, …] or {"column": 1.5, …}`);
};

/** The columns in `{"table": {"column": [values]}}`; undefined for other inputs. */
export const tableOf = (inputs: unknown): Readonly<Record<string, unknown>> | undefined =>
  isObject(inputs) && isObject(inputs.table) ? inputs.table : undefined;

/** Reads `{"column": [values of all rows], …}`, the form of tables in the Hugging Face API, which `place` names. */
const readColumns = (data: Readonly<Record<string, unknown>>, table: Table, place: string): Row[] => {
  const lists = new Map<string, readonly unknown[]>();
  for (const [name, values] of Object.entries(data)) {
    assertKnownColumn(name, table, () => place);
    lists.set(
      name,
      Array.isArray(values) ? values : refuseTable(`${place}: column ${show(name)} is no list of values`),
    );
  }
  const [first = []] = lists.values();
  for (const [name, { length }] of lists)
    if (length !== first.length)
      refuseTable(`${place}: column ${show(name)} has ${length} values, the first one ${first.length}`);
  assertRowCount(first.length, table);
  return first.map((_, index) =>
    table.columns.map((column) => readCell(lists.get(column.name)?.[index], column, () => `${place}, row ${index}`)),
  );
};

/** Reads `{"columns": [names], "data": [rows]}`, which pandas writes with `orient="split"`; an `index` says nothing. */
const readSplit = (columns: readonly unknown[], rows: readonly unknown[], table: Table): Row[] => {
  const names = columns.map((name) =>
    typeof name === 'string' ? name : refuseTable(`inputs.columns has ${show(name)}, expected names of columns`),
  );
  for (const name of names) assertKnownColumn(name, table, () => 'inputs.columns');
  const placeOf = new Map(names.map((name, place) => [name, place]));
  if (placeOf.size < names.length) refuseTable('inputs.columns has a name twice');
  assertRowCount(rows.length, table);
  return rows.map((values, index) => {
    const row = (): string => `inputs.data[${index}]`;
    if (!Array.isArray(values) || values.length !== names.length)
      return refuseTable(`${row()} is ${show(values)}, expected a list of ${names.length} values`);
    return table.columns.map((column) => readCell(values[placeOf.get(column.name) ?? -1], column, row));
  });
};

/**
 * Reads rows of JSON: one row, a list of rows, `{"data": {"column": [values]}}`, or the same under `table`. A row is a list or an object.
 * `{"columns": [names], "data": [rows]}` is read, too.
 * A list of numbers, strings and booleans is one row.
 * @throws `INVALID_INPUT` naming row and column
 */
export const readRows = (inputs: unknown, table: Table): Row[] => {
  if (Array.isArray(inputs)) {
    if (inputs.length > 0 && !inputs.some((value) => typeof value === 'object' && value !== null))
      return [readList(inputs, table, () => 'inputs')];
    assertRowCount(inputs.length, table);
    return inputs.map((value: unknown, index) => readRow(value, table, () => `inputs[${index}]`));
  }
  if (isObject(inputs) && isObject(inputs.data) && !table.indexOf.has('data'))
    return readColumns(inputs.data, table, 'inputs.data');
  if (isObject(inputs) && Array.isArray(inputs.columns) && Array.isArray(inputs.data) && !table.indexOf.has('data'))
    return readSplit(inputs.columns, inputs.data, table);
  const columns = tableOf(inputs);
  if (columns && !table.indexOf.has('table')) return readColumns(columns, table, 'table');
  return [readRow(inputs, table, () => 'inputs')];
};
