import { DATA_TYPES } from './tensor-proto.ts';

/** Types of elements that only graphs have, by the numbers of `TensorProto.DataType`. */
const OTHER_TYPES: Readonly<Record<number, string>> = {
  ...{ 14: 'complex64', 15: 'complex128', 16: 'bfloat16', 17: 'float8e4m3fn', 18: 'float8e4m3fnuz', 19: 'float8e5m2' },
  ...{ 20: 'float8e5m2fnuz', 21: 'uint4', 22: 'int4', 23: 'float4e2m1', 24: 'float8e8m0', 25: 'uint2', 26: 'int2' },
};

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(DATA_TYPES).map(([name, number]) => [number, name] as const),
  ...Object.entries(OTHER_TYPES).map(([number, name]) => [Number(number), name] as const),
]);

/** The name of a type of elements by its number. */
export const dataTypeName = (number: number): string => NAMES.get(number) ?? `type ${number}`;

/** Bits of an element, by the name of its type: `float8…` has 8. Strings have no size of their own. */
export const bitsOf = (name: string): number => {
  if (name === 'string') return 0;
  if (name === 'bool') return 8;
  return Number(/^(?:bfloat|float|complex|u?int)(\d+)/.exec(name)?.[1] ?? 0);
};
