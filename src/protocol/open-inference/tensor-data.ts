import { refuseInput } from '../../core/assert-inputs.ts';
import { shortestTexts } from '../../core/shortest-float.ts';
import { show } from '../../core/show.ts';
import { allocate, type DType, elementCount, type Tensor, tensor } from '../../core/tensor.ts';

type Scalar = number | bigint | boolean | string;

const INTEGER_RANGE: Partial<Record<DType, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32_768n, 32_767n],
  int32: [-2_147_483_648n, 2_147_483_647n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65_535n],
  uint32: [0n, 4_294_967_295n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** The largest number that becomes a finite one of each. Its shortest text may be a little above the type's own largest. */
const LARGEST: Partial<Record<DType, number>> = { float32: 2 ** 128 - 2 ** 103 - 2 ** 75, float64: Number.MAX_VALUE };

/** Turns one JSON value into what the storage of `dtype` holds. */
const converter = (name: string, dtype: DType): ((value: unknown) => Scalar) => {
  const range = INTEGER_RANGE[dtype];
  if (range) {
    const [min, max] = range;
    const big = dtype === 'int64' || dtype === 'uint64';
    const [low, high] = [Number(min), Number(max)];
    return (value) => {
      if (!big && typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
      if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
        return refuseInput(name, `element ${show(value)} is no ${dtype}`);
      const exact = BigInt(value);
      if (exact < min || exact > max)
        return refuseInput(name, `element ${show(value)} is outside ${dtype}, ${min} to ${max}`);
      return big ? exact : Number(exact);
    };
  }
  if (dtype === 'bool') {
    return (value) => {
      if (value === true || value === 1) return 1;
      if (value === false || value === 0) return 0;
      return refuseInput(name, `element ${show(value)} is no bool, expected true or false`);
    };
  }
  if (dtype === 'string') {
    return (value) => {
      if (typeof value !== 'string') return refuseInput(name, `element ${show(value)} is no string`);
      // The runtime's binding ends a string at NUL, and replaces half a surrogate pair.
      if (value.includes('\0') || !value.isWellFormed())
        refuseInput(name, `element ${show(value)} has a NUL or half a surrogate pair, which the runtime cannot carry`);
      return value;
    };
  }
  const largest = LARGEST[dtype] ?? Number.MAX_VALUE;
  return (value) => {
    if (value === null) return Number.NaN; // answers write it so
    if (typeof value !== 'number' && typeof value !== 'bigint')
      return refuseInput(name, `element ${show(value)} is no number`);
    const number = Number(value);
    if (Math.abs(number) > largest)
      refuseInput(name, `element ${number} is outside ${dtype}, ${-largest} to ${largest}`);
    return number;
  };
};

/** Nested lists have to be as long as `shape` says on every axis; the elements themselves are not looked at. */
const assertNesting = (name: string, values: readonly unknown[], shape: readonly number[], axis = 0): void => {
  if (values.length !== shape[axis])
    refuseInput(
      name,
      `a list on axis ${axis} has ${values.length} elements, the shape [${shape}] says ${shape[axis] ?? 'nothing'}`,
    );
  if (axis === shape.length - 1) return;
  for (const value of values) {
    if (Array.isArray(value)) assertNesting(name, value, shape, axis + 1);
    else refuseInput(name, `${show(value)} is no list; data are flat, or nested as the shape [${shape}]`);
  }
};

/**
 * A tensor from the `data` of a JSON request, flat or nested, row-major.
 * @throws `INVALID_INPUT` naming the input and the element, or the two counts, that do not fit
 */
export const toTensor = (name: string, dtype: DType, shape: readonly number[], data: unknown): Tensor => {
  if (!Array.isArray(data)) return refuseInput(name, `"data" is ${show(data)}, expected a list`);
  const total = elementCount(shape);
  // Both checks come before the allocation: a shape costs memory only when the body has as many elements.
  if (Array.isArray(data[0])) assertNesting(name, data, shape);
  else if (data.length !== total) refuseInput(name, `has ${data.length} elements, its shape [${shape}] has ${total}`);

  const storage = allocate(dtype, total);
  const target: { [index: number]: Scalar } = storage;
  const convert = converter(name, dtype);
  const largest = LARGEST[dtype] ?? -1;
  let index = 0;
  const fill = (values: readonly unknown[], depth: number): void => {
    if (depth > 0) {
      for (const value of values) if (Array.isArray(value)) fill(value, depth - 1);
      return;
    }
    // Hot: an image as floats has 150,528 elements, nearly all of which are plain numbers.
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i];
      target[index++] = typeof value === 'number' && value <= largest && value >= -largest ? value : convert(value);
    }
  };
  fill(data, Array.isArray(data[0]) ? shape.length - 1 : 0);
  return tensor(dtype, shape, storage);
};

/**
 * The `data` of a tensor as JSON text: exact for 64-bit integers, the shortest text that names the number for floats. A number that is not
 * finite becomes null, as JSON has no word for it.
 */
export const toJsonData = ({ dtype, data }: Tensor): string => {
  switch (dtype) {
    case 'string':
      return JSON.stringify(data);
    case 'bool':
      return `[${Array.from(data, Boolean).join(',')}]`;
    case 'float32':
      return `[${shortestTexts(data)}]`;
    case 'float64':
      return JSON.stringify(Array.from(data));
    default:
      return `[${data.join(',')}]`;
  }
};
