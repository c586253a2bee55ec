import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { allocate, type DType, type Tensor, type Tensors } from '../../core/tensor.ts';
import type { Cell } from './cell.ts';
import { type Row, readRows } from './rows.ts';
import type { Column, Table, TableInput } from './table.ts';

/** What a caller sent: rows, or the bytes of CSV that are read when it is their turn. */
export type TableSource = { readonly rows: readonly Row[] } | { readonly csv: Uint8Array };

const CSV_TYPES = ['text/csv', 'application/csv'];

/** @throws `INVALID_INPUT` naming row and column, `UNSUPPORTED_MEDIA_TYPE` */
export const decodeTable = ({ inputs, contentType }: Payload, table: Table): TableSource => {
  if (!(inputs instanceof Uint8Array)) return { rows: readRows(inputs, table) };
  if (CSV_TYPES.includes(contentType ?? '')) return { csv: inputs };
  throw new ServingError(
    'UNSUPPORTED_MEDIA_TYPE',
    `the content type is ${show(contentType)}; rows are sent as text/csv, or as JSON {"inputs": [[…], …]} in application/json`,
  );
};

/** The parser of CSV is loaded when the first CSV comes. @throws `INVALID_INPUT` naming row and column */
export const readTable = (source: TableSource, table: Table): readonly Row[] | Promise<readonly Row[]> =>
  'rows' in source ? source.rows : import('./csv.ts').then(({ readCsv }) => readCsv(source.csv, table));

/** More categories than that are not tried out. */
const MOST_BLANK_ROWS = 1_000;

const blankCell = ({ dtype, categories }: Column, index: number): Cell => {
  const known = categories && [...categories];
  const value = known?.[index % known.length] ?? (dtype === 'string' ? '' : 0);
  return dtype === 'int64' || dtype === 'uint64' ? BigInt(value) : value;
};

/** Rows of zeros that go through every category once, so that an encoder that does not know one shows at push. */
export const blankTable = ({ columns }: Table): TableSource => {
  const count = Math.max(1, ...columns.map(({ categories }) => categories?.size ?? 0));
  const rows = Array.from({ length: Math.min(count, MOST_BLANK_ROWS) }, (_, index) =>
    columns.map((column) => blankCell(column, index)),
  );
  return { rows };
};

const fill = ({ dtype, rank, columns }: TableInput, rows: readonly Row[]): Tensor => {
  const width = columns.length;
  const data = allocate(dtype as DType, rows.length * width) as Cell[];
  let next = 0;
  for (const row of rows) for (const column of columns) data[next++] = row[column] as Cell;
  return { dtype, shape: rank === 1 ? [rows.length] : [rows.length, width], data } as unknown as Tensor;
};

/** The inputs of the graph, a row each. */
export const toFeeds = (rows: readonly Row[], { inputs }: Table): Tensors => {
  const feeds: Record<string, Tensor> = {};
  for (const input of inputs) feeds[input.name] = fill(input, rows);
  return feeds;
};

/**
 * The numbers that the graph gave for a row.
 * @throws `INVALID_INPUT` naming the row when one is not finite: a graph that cannot take missing or huge values says so in no other way
 */
export const readNumbers = (
  outputs: Tensors,
  name: string,
  row: Row,
  { columns }: Table,
  rowName: () => string,
): Float32Array | Float64Array => {
  const numbers = outputs[name]?.data as Float32Array | Float64Array;
  if (numbers.every(Number.isFinite)) return numbers;
  const missing = columns.filter((_, index) => Number.isNaN(row[index])).map((column) => show(column.name));
  const reason =
    missing.length > 0
      ? `it cannot do without a value for ${missing.slice(0, 10).join(', ')}`
      : 'values of this row are too large for it';
  throw new ServingError('INVALID_INPUT', `${rowName()}: the model's answer is not a number: ${reason}`);
};

/** How messages name a row of `source`. */
export const nameRow =
  (source: TableSource, index: number): (() => string) =>
  () =>
    'csv' in source ? `CSV row ${index + 1}` : `inputs[${index}]`;
