import { mapTensors, type Tensor, type Tensors, tensor } from '../core/tensor.ts';
import type { Session } from '../engine/session.ts';

/** A generating decoder runs many times; its first steps show what there is to see. */
const MOST_RUNS = 8;

/** Inputs and outputs of one run of a session. */
export interface RecordedRun {
  readonly feeds: Tensors;
  readonly outputNames: readonly string[] | undefined;
  readonly outputs: Tensors;
}

/** Copies of tensors: a generating task writes into those that it got, and feeds them again. */
const copy = (tensors: Tensors): Tensors =>
  mapTensors(tensors, ({ dtype, shape, data }) => tensor(dtype, shape, data.slice()));

/** `session`, which adds its first runs to `runs`. */
export const recordRuns = (session: Session, runs: RecordedRun[]): Session => ({
  ...session,
  run: async (feeds, outputNames) => {
    if (runs.length >= MOST_RUNS) return session.run(feeds, outputNames);
    const run = { feeds: copy(feeds), outputNames };
    const outputs = await session.run(feeds, outputNames);
    if (runs.length < MOST_RUNS) runs.push({ ...run, outputs: copy(outputs) });
    return outputs;
  },
});

const differenceOf = (expected: Tensor, actual: Tensor | undefined): number => {
  if (actual?.dtype !== expected.dtype || String(actual.shape) !== String(expected.shape))
    return Number.POSITIVE_INFINITY;
  const isFraction = expected.dtype === 'float32' || expected.dtype === 'float64';
  let largest = 0;
  for (let i = 0; i < expected.data.length; i += 1) {
    const [a, b] = [expected.data[i], actual.data[i]];
    if (Object.is(a, b) || a === b) continue;
    if (!isFraction) return Number.POSITIVE_INFINITY;
    const difference = Math.abs(Number(a) - Number(b)) / Math.max(1, Math.abs(Number(a)));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
};

/** The largest difference of two sessions' outputs: absolute up to 1, relative above, infinite for anything but fractions. */
export const largestDifference = (expected: Tensors, actual: Tensors): number =>
  Object.entries(expected).reduce(
    (largest, [name, tensor]) => Math.max(largest, differenceOf(tensor, actual[name])),
    0,
  );
