import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import { tensor } from '../../core/tensor.ts';
import { type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { readFloats } from './read-floats.ts';

/** 7 where the processor may lack VNNI: sums of products of 8-bit integers overflow the 16 bits of AVX2. */
export type Bits = 7 | 8;

/** The largest integer of each number of bits, as Python's onnxruntime has it: two products of 255 and 64 fit into 16 bits. */
const LARGEST_INTEGER = { 7: 64, 8: 127 } as const;

/** The names of quantised numbers, of their scales and of their zero points. */
export interface QuantisedNames {
  readonly values: string;
  readonly scales: string;
  readonly zeroPoints: string;
}

/** The names that belong to `name`. */
export const quantisedNames = (name: string): QuantisedNames => ({
  values: `${name}_quantized`,
  scales: `${name}_scale`,
  zeroPoints: `${name}_zero_point`,
});

export interface QuantisedWeights {
  readonly names: QuantisedNames;
  readonly scales: Float32Array;
  readonly all: readonly Weights[];
}

/** The largest absolute value of each of `count` channels. */
const largestOf = (values: Float32Array, count: number, inner: number): Float32Array => {
  const largest = new Float32Array(count);
  for (let index = 0; index < values.length; index += 1) {
    const channel = Math.floor(index / inner) % count;
    largest[channel] = Math.max(largest[channel] ?? 0, Math.abs(values[index] ?? 0));
  }
  return largest;
};

/**
 * Symmetric signed integers of `bits` for float32 weights: value ≈ integer × scale, the zero point is 0.
 * @param axis the dimension whose every index has a scale of its own; left out, all weights share one
 */
export const quantiseWeights = (weights: Weights, bits: Bits, axis?: number): QuantisedWeights => {
  const { shape, name } = weights;
  const values = readFloats(weights);
  const count = axis === undefined ? 1 : (shape[axis] ?? 1);
  const inner = axis === undefined ? values.length : shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const top = LARGEST_INTEGER[bits];
  const scales = largestOf(values, count, inner).map((value) => (value === 0 ? 1 : value) / top);
  const integers = new Int8Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const scale = scales[Math.floor(index / inner) % count] ?? 1;
    integers[index] = Math.max(-top, Math.min(top, roundHalfToEven((values[index] ?? 0) / scale)));
  }
  const names = quantisedNames(name);
  const shapeOfScales = axis === undefined ? [] : [count];
  const all = [
    weightsOf(names.values, tensor('int8', shape, integers)),
    weightsOf(names.scales, tensor('float32', shapeOfScales, scales)),
    weightsOf(names.zeroPoints, tensor('int8', shapeOfScales, new Int8Array(count))),
  ];
  return { names, scales, all };
};
