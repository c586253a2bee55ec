import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { DType } from '../../core/tensor.ts';
import type { Column } from './table.ts';

/** A value as its tensor stores it: bigint for 64-bit integers, 0 or 1 for bool, NaN for a missing number. */
export type Cell = number | bigint | string;

const NUMBER = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const INTEGER = /^[+-]?[0-9]+(?:\.0*)?$/;
/** Most characters of a number: longer texts are not given to patterns and BigInt. */
const LONGEST_NUMBER = 400;

const INTEGER_BITS: Partial<Record<DType, readonly [bits: number, isSigned: boolean]>> = {
  ...{ int8: [8, true], int16: [16, true], int32: [32, true], int64: [64, true] },
  ...{ uint8: [8, false], uint16: [16, false], uint32: [32, false], uint64: [64, false] },
};
const BOOLS = new Map<unknown, number>([
  ...([
    [true, 1],
    ['true', 1],
    ['1', 1],
    [1, 1],
  ] as const),
  ...([
    [false, 0],
    ['false', 0],
    ['0', 0],
    [0, 0],
  ] as const),
]);

/** The problem of a cell. Its message does not name the row, which `readCell` knows. */
class CellProblem extends Error {}

const refuse = (problem: string): never => {
  throw new CellProblem(problem);
};

const isNumberText = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && value.length <= LONGEST_NUMBER && pattern.test(value.trim());

const toFloat = (value: unknown, isSingle: boolean): number => {
  const isNumber = typeof value === 'number' || typeof value === 'bigint' || isNumberText(value, NUMBER);
  if (!isNumber) return refuse(`is ${show(value)}, expected a number`);
  const number = Number(value);
  if (!Number.isFinite(isSingle ? Math.fround(number) : number))
    return refuse(`is ${show(value)}, too large for ${isSingle ? 'float32' : 'float64'}`);
  return number;
};

/** The exact integer in `value`; undefined for JSON numbers beyond 2^53, which have lost digits. */
const toExactInteger = (value: unknown): bigint | undefined => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return isNumberText(value, INTEGER) ? BigInt(value.trim().replace(/^\+|\.0*$/g, '')) : undefined;
};

const toInteger = (value: unknown, dtype: DType, bits: number, isSigned: boolean): number | bigint => {
  const integer = toExactInteger(value) ?? refuse(`is ${show(value)}, expected an integer (${dtype})`);
  if ((isSigned ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)) !== integer)
    return refuse(`is ${show(value)}, out of the range of ${dtype}`);
  return bits === 64 ? integer : Number(integer);
};

/** Refuses strings that onnxruntime would change: it ends a string at NUL, and cannot hold half a surrogate pair. */
const toText = (value: unknown): string =>
  typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
    ? value
    : refuse(`is ${show(value)}, expected a string`);

const convert = (value: unknown, dtype: DType): Cell => {
  if (dtype === 'float32' || dtype === 'float64') return toFloat(value, dtype === 'float32');
  if (dtype === 'string') return toText(value);
  if (dtype === 'bool')
    return (
      BOOLS.get(typeof value === 'string' ? value.trim().toLowerCase() : value) ??
      refuse(`is ${show(value)}, expected true or false`)
    );
  const [bits, isSigned] = INTEGER_BITS[dtype] ?? refuse(`is ${dtype}, which no value of a table becomes`);
  return toInteger(value, dtype, bits, isSigned);
};

const MOST_SHOWN = 10;

const listSome = (values: ReadonlySet<string | number>): string => {
  const shown = [...values].slice(0, MOST_SHOWN).map((value) => show(value));
  return values.size > MOST_SHOWN ? `${shown.join(', ')}, … (${values.size})` : shown.join(', ');
};

const read = (value: unknown, { dtype, categories, missing }: Column): Cell => {
  if (value === undefined || value === null || value === '')
    return missing ?? refuse('is missing, and the model needs it ("optional" in its config.json allows that)');
  const cell = convert(value, dtype);
  if (categories !== undefined && !categories.has(typeof cell === 'bigint' ? Number(cell) : cell))
    return refuse(`is ${show(value)}, which the model does not know; it knows ${listSome(categories)}`);
  return cell;
};

/**
 * Reads the value of one column. Numbers may be text, as in CSV and in the Hugging Face API.
 * @param row returns the name of the row for messages
 * @throws `INVALID_INPUT` naming row and column
 */
export const readCell = (value: unknown, column: Column, row: () => string): Cell => {
  try {
    return read(value, column);
  } catch (error) {
    if (!(error instanceof CellProblem)) throw error;
    throw new ServingError('INVALID_INPUT', `${row()}: column ${show(column.name)} ${error.message}`);
  }
};
