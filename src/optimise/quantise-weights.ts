import { roundHalfToEven } from '../core/round-half-to-even.ts';
import { tensor } from '../core/tensor.ts';
import { type Weights, weightsOf } from '../onnx/tensor-proto.ts';

/** The names of quantised weights, of their scales and of their zero points. */
export interface QuantisedNames {
  readonly values: string;
  readonly scales: string;
  readonly zeroPoints: string;
}

export interface QuantisedWeights {
  readonly names: QuantisedNames;
  readonly scales: Float32Array;
  readonly all: readonly Weights[];
}

/**
 * Symmetric signed integers of `bits` for float32 weights: value ≈ integer × scale, the zero point is 0.
 * @param axis the dimension whose every index has a scale of its own; left out, all weights share one
 */
export const quantiseWeights = (weights: Weights, bits: 7 | 8, axis?: number): QuantisedWeights => {
  const { shape, name } = weights;
  const { data } = weights.read();
  const values = Float32Array.from(data, Number);
  const count = axis === undefined ? 1 : (shape[axis] ?? 1);
  const inner = axis === undefined ? values.length : shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channelOf = (index: number): number => Math.floor(index / inner) % count;
  const largest = new Float32Array(count);
  for (const [index, value] of values.entries()) {
    const channel = channelOf(index);
    largest[channel] = Math.max(largest[channel] ?? 0, Math.abs(value));
  }
  const top = 2 ** (bits - 1) - 1;
  const scales = largest.map((value) => (value === 0 ? 1 : value) / top);
  const integers = Int8Array.from(values, (value, index) =>
    Math.max(-top, Math.min(top, roundHalfToEven(value / (scales[channelOf(index)] ?? 1)))),
  );
  const names = { values: `${name}_quantized`, scales: `${name}_scale`, zeroPoints: `${name}_zero_point` };
  const shapeOfScales = axis === undefined ? [] : [count];
  const all = [
    weightsOf(names.values, tensor('int8', shape, integers)),
    weightsOf(names.scales, tensor('float32', shapeOfScales, scales)),
    weightsOf(names.zeroPoints, tensor('int8', shapeOfScales, new Int8Array(count))),
  ];
  return { names, scales, all };
};
