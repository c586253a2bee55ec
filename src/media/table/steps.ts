import { type OutputRow, rangeOf } from '../../core/batch.ts';
import type { Blank } from '../../core/blank.ts';
import type { Deadline } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { shortestDouble } from '../../core/shortest-float.ts';
import { show } from '../../core/show.ts';
import { allocate, elementCount, type Tensor, type Tensors, tensor } from '../../core/tensor.ts';
import { groupOfText } from '../text/words.ts';
import type { Cell } from './cell.ts';
import { type Row, readRows } from './rows.ts';
import type { Column, Table, TableInput } from './table.ts';

/** A decoded request: rows, or the bytes of CSV, which are parsed later. */
export type TableSource =
  | { readonly rows: readonly Row[] }
  | { readonly csv: Uint8Array; readonly hasHeader: boolean | undefined };

const CSV_TYPES = ['text/csv', 'application/csv'];

/** @throws `INVALID_INPUT` naming row and column, `UNSUPPORTED_MEDIA_TYPE` */
export const decodeTable = ({ inputs, contentType, hasHeader }: Payload, table: Table): TableSource => {
  if (!(inputs instanceof Uint8Array)) return { rows: readRows(inputs, table) };
  if (CSV_TYPES.includes(contentType ?? '')) return { csv: inputs, hasHeader };
  throw new ServingError(
    'UNSUPPORTED_MEDIA_TYPE',
    `the content type is ${show(contentType)}; rows are sent as text/csv with commas, or as JSON {"inputs": [[…], …]} in application/json`,
  );
};

/** Returns the rows; the first CSV loads the parser. @throws `INVALID_INPUT` naming row and column; `DEADLINE_EXCEEDED` */
export const readTable = (
  source: TableSource,
  table: Table,
  deadline: Deadline,
): readonly Row[] | Promise<readonly Row[]> =>
  'rows' in source
    ? source.rows
    : import('./csv.ts').then(({ readCsv }) => readCsv(source.csv, table, deadline, source.hasHeader));

/** Most rows of a blank table; further categories are not tried. */
const MOST_BLANK_ROWS = 1_000;

const blankCell = ({ dtype, categories }: Column, index: number, number: Blank['value']): Cell => {
  const known = categories && [...categories];
  const value = known?.[index % known.length] ?? (dtype === 'string' ? '' : number);
  return dtype === 'int64' || dtype === 'uint64' ? BigInt(value) : value;
};

/** A table of zeros, or of ones, that contains every category once: an encoder that does not know a category fails at push. */
export const blankTable = ({ columns }: Table, { value }: Pick<Blank, 'value'>): TableSource => {
  const count = Math.max(1, ...columns.map(({ categories }) => categories?.size ?? 0));
  const rows = Array.from({ length: Math.min(count, MOST_BLANK_ROWS) }, (_, index) =>
    columns.map((column) => blankCell(column, index, value)),
  );
  return { rows };
};

const textsOf = (rows: readonly Row[], column = 0): string[] => rows.map((row) => String(row[column]));

const toTensor = ({ dtype, rank, columns, toTerms }: TableInput, rows: readonly Row[]): Tensor => {
  if (toTerms !== undefined) return toTerms(textsOf(rows, columns[0]));
  const shape = rank === 1 ? [rows.length] : [rows.length, columns.length];
  const length = elementCount(shape);
  let index = 0;
  if (dtype === 'string') {
    const strings = new Array<string>(length);
    for (const row of rows) for (const column of columns) strings[index++] = String(row[column]);
    return tensor(dtype, shape, strings);
  }
  if (dtype === 'int64' || dtype === 'uint64') {
    const integers = allocate(dtype, length);
    for (const row of rows) for (const column of columns) integers[index++] = BigInt(row[column] ?? 0);
    return tensor(dtype, shape, integers);
  }
  const numbers = allocate(dtype, length);
  for (const row of rows) for (const column of columns) numbers[index++] = Number(row[column]);
  return tensor(dtype, shape, numbers);
};

/** The inputs of the graph, with the rows of the table along their first dimension. */
export const toFeeds = (rows: readonly Row[], { inputs }: Table): Tensors => {
  const feeds: Record<string, Tensor> = {};
  for (const input of inputs) feeds[input.name] = toTensor(input, rows);
  return feeds;
};

/** The groups of rows that may run together, where texts are among them: a long text makes the terms of all others as many. */
export const groupsOf = ({ inputs }: Table): { readonly group?: (row: Row) => string } => {
  const texts = inputs.flatMap(({ toTerms, columns: [column = 0] }) => (toTerms === undefined ? [] : [column]));
  return texts.length === 0 ? {} : { group: (row) => groupOfText(texts.map((column) => String(row[column])).join('')) };
};

/**
 * Reads the float output `name` of the graph for one row. Numbers of float32 have the fewest digits that name them.
 * @throws `INVALID_INPUT` naming the row for a number that is not finite; `INFERENCE_FAILED` for an output that holds no floats. A graph
 *   that cannot take missing or huge values gives no other sign.
 */
export const readRowNumbers = (
  place: OutputRow,
  name: string,
  row: Row,
  { columns }: Table,
  rowName: () => string,
): number[] => {
  const output = place.outputs[name];
  if (output?.dtype !== 'float32' && output?.dtype !== 'float64')
    throw new ServingError('INFERENCE_FAILED', `the graph gave no floats as "${name}"`);
  const [start, end] = rangeOf(output, place);
  const numbers: number[] = [];
  for (let index = start; index < end; index += 1) {
    const number = output.data[index] ?? 0;
    if (!Number.isFinite(number)) {
      const missing = columns.filter((_, column) => Number.isNaN(row[column])).map((column) => show(column.name));
      const reason =
        missing.length > 0
          ? `it cannot do without a value for ${missing.slice(0, 10).join(', ')}`
          : 'values of this row are too large for it, or none that it can take';
      throw new ServingError('INVALID_INPUT', `${rowName()}: the model's answer is not a number: ${reason}`);
    }
    numbers.push(output.dtype === 'float32' ? shortestDouble(number) : number);
  }
  return numbers;
};

/** `readRowNumbers` for outputs with a first dimension of 1. */
export const readNumbers = (
  outputs: Tensors,
  name: string,
  row: Row,
  table: Table,
  rowName: () => string,
): Float64Array => Float64Array.from(readRowNumbers({ outputs, row: 0, count: 1 }, name, row, table, rowName));

/** Returns the name of a row for messages. */
export const nameRow =
  (source: TableSource, index: number): (() => string) =>
  () =>
    'csv' in source ? `CSV row ${index + 1}` : `inputs[${index}]`;
