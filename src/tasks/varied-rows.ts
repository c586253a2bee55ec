import type { DType } from '../core/tensor.ts';
import type { Cell } from '../media/table/cell.ts';
import type { Row } from '../media/table/rows.ts';
import type { Column, Table } from '../media/table/table.ts';

const COUNT = 256;
/** Values have the sizes of shares, of measures and of counts. */
const SIZES = [1, 10, 100, 1000];

/** Numbers from -1 to 1 without a pattern, the same at every push: an additive sequence of the golden ratio's kind. */
const numberOf = (row: number, column: number): number => (((row + 1) * (0.7548776662 + column * 0.569840291)) % 2) - 1;

const LEAST: Partial<Record<DType, number>> = { uint8: 0, uint16: 0, uint32: 0, uint64: 0 };
const MOST: Partial<Record<DType, number>> = { int8: 127, uint8: 255 };

const cellOf = ({ dtype, categories }: Column, row: number, column: number): Cell => {
  const known = categories && [...categories];
  const [number, size] = [row === 0 ? 0 : numberOf(row, column), SIZES[row % SIZES.length] ?? 1];
  const chosen = known?.[Math.floor((Math.abs(number) * known.length * 997) % known.length)];
  const value = chosen ?? toType(number * size, dtype);
  return (dtype === 'int64' || dtype === 'uint64') && typeof value === 'number' ? BigInt(value) : value;
};

const toType = (value: number, dtype: DType): Cell => {
  if (dtype === 'string') return '';
  if (dtype === 'float32' || dtype === 'float64') return value;
  if (dtype === 'bool') return value > 0 ? 1 : 0;
  const most = MOST[dtype] ?? Number.POSITIVE_INFINITY;
  const integer = Math.max(-most, Math.min(most, Math.round(value)));
  return LEAST[dtype] === 0 ? Math.abs(integer) : integer;
};

/** Made-up rows of many values in every column, for finding out how a graph answers: zeros first. Texts are empty. No two rows are equal. */
export const variedRows = ({ columns }: Table): Row[] => {
  const rows = Array.from({ length: COUNT }, (_, row) => columns.map((column, index) => cellOf(column, row, index)));
  return [...new Map(rows.map((row) => [row.map((cell) => `${typeof cell} ${cell}`).join('\n'), row])).values()];
};
