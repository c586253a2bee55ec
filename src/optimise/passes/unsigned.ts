import { roundHalfToEven } from '../../core/round-half-to-even.ts';
import { tensor } from '../../core/tensor.ts';
import { type Weights, weightsOf } from '../../onnx/tensor-proto.ts';
import { readFloats } from './read-floats.ts';

/** The smallest and the largest number of a tensor that integers stand for. */
export type Range = readonly [low: number, high: number];
export type Ranges = ReadonlyMap<string, Range>;

/** An unsigned 8-bit integer q stands for (q − zeroPoint) × scale. */
export interface Parameters {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Zero is among the numbers that integers stand for. */
export const toParameters = ([low, high]: Range): Parameters => {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = Math.fround(Math.fround(to - from) / 255) || 1;
  return { scale, zeroPoint: Math.max(0, Math.min(255, roundHalfToEven(-from / scale))) };
};

/** Unsigned 8-bit integers for float32 weights of one scale, under the name `name`. They need no sign where most weights have the same one. */
export const quantiseUnsigned = (
  weights: Weights,
  name: string,
): { readonly all: Weights; readonly parameters: Parameters } => {
  const values = readFloats(weights);
  const low = values.reduce((least, value) => Math.min(least, value), 0);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  const parameters = toParameters([low, high]);
  const { scale, zeroPoint } = parameters;
  const integers = Uint8Array.from(values, (value) =>
    Math.max(0, Math.min(255, roundHalfToEven(value / scale) + zeroPoint)),
  );
  return { all: weightsOf(name, tensor('uint8', weights.shape, integers)), parameters };
};
