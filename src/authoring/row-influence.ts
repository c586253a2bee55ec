import { concatenate, isBatchable, rows } from '../core/batch.ts';
import { elementCount, mapTensors, type Tensor, type Tensors, tensor } from '../core/tensor.ts';
import type { Session } from '../engine/session.ts';
import type { TwoRows } from '../tasks/recipe.ts';
import type { RecordedRun } from './recorded-runs.ts';

/** Largest part of a row's largest number, or of 1, by which arithmetic in batches of another size may move an output. */
const TOLERANCE = 1e-4;
/** A row that takes longer gains nothing beside others, and is not compared. */
const SLOW_MS = 10_000;

/** Numbers from -1 to 1 that look random, and are the same each time. */
const createNoise = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes
    return state / 2 ** 31 - 1;
  };
};

/** A row like `row`: its fractions moved by up to `scale`, its bytes others, its integers turned round, which stay valid indices. */
const varyRow = (row: Tensors, seed: number, scale: number): Tensors => {
  const noise = createNoise(seed);
  return mapTensors(row, (own): Tensor => {
    const { shape } = own;
    if (own.dtype === 'float32')
      return tensor(
        'float32',
        shape,
        own.data.map((value) => value + scale * noise()),
      );
    if (own.dtype === 'float64')
      return tensor(
        'float64',
        shape,
        own.data.map((value) => value + scale * noise()),
      );
    if (own.dtype === 'uint8')
      return tensor(
        'uint8',
        shape,
        own.data.map(() => 255 * Math.abs(noise())),
      );
    if (own.dtype === 'int64' && scale > 1) return tensor('int64', shape, own.data.toReversed());
    if (own.dtype === 'int32' && scale > 1) return tensor('int32', shape, own.data.toReversed());
    return own;
  });
};

/** Two rows like the first one of a recorded run. The second one has larger numbers, so that both have other scales when they are quantised. */
const toTwoRows = ({ feeds }: RecordedRun): TwoRows => {
  const row = rows(feeds, 0, 1);
  const apart = [varyRow(row, 1, 1), varyRow(row, 2, 3)] as const;
  return { apart, together: concatenate(apart), paddingSide: 'right' };
};

/** The largest absolute number of a tensor of fractions, at least 1. */
const scaleOf = ({ data }: Tensor): number => {
  let largest = 1;
  for (const value of data) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(Number(value)));
  return largest;
};

/** The index in row `row` of `together` of the element `index` of `alone`, which may be shorter in each dimension but the first. */
const indexIn = (together: Tensor, row: number, alone: Tensor, index: number, side: TwoRows['paddingSide']): number => {
  let [rest, stride, position] = [index, 1, 0];
  for (let axis = alone.shape.length - 1; axis > 0; axis -= 1) {
    const [size = 1, width = 1] = [alone.shape[axis], together.shape[axis]];
    position += ((rest % size) + (side === 'left' ? width - size : 0)) * stride;
    rest = Math.floor(rest / size);
    stride *= width;
  }
  return position + row * stride;
};

/** The largest difference of a row alone and beside another, as a part of the row's largest number; infinite for another shape. */
const differenceOf = (alone: Tensor, together: Tensor, row: number, side: TwoRows['paddingSide']): number => {
  const fits = alone.shape.every((size, axis) => (axis === 0 ? size === 1 : size <= (together.shape[axis] ?? 0)));
  if (alone.shape.length !== together.shape.length || !fits || row >= (together.shape[0] ?? 0))
    return Number.POSITIVE_INFINITY;
  const isFraction = alone.dtype === 'float32' || alone.dtype === 'float64';
  const scale = isFraction ? scaleOf(alone) : 1;
  let largest = 0;
  for (let index = 0; index < elementCount(alone.shape); index += 1) {
    const [a, b] = [alone.data[index], together.data[indexIn(together, row, alone, index, side)]];
    if (Object.is(a, b) || a === b) continue;
    const difference = isFraction ? Math.abs(Number(a) - Number(b)) / scale : Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
};

/** The first output of `alone` that differs from row `row` of `together`; undefined when none does. */
const findDifferent = (
  alone: Tensors,
  together: Tensors,
  row: number,
  side: TwoRows['paddingSide'],
): string | undefined =>
  Object.entries(alone).find(([name, output]) => {
    const other = together[name];
    return other === undefined || differenceOf(output, other, row, side) > TOLERANCE;
  })?.[0];

/** Why rows of a graph have to run one by one, by two rows that run apart and together; undefined when they need not. */
const compareRows = async (
  session: Session,
  { apart, together, paddingSide }: TwoRows,
  outputNames?: readonly string[],
): Promise<string | undefined> => {
  const run = (feeds: Tensors): Promise<Tensors | undefined> => session.run(feeds, outputNames).catch(() => undefined);
  const startMs = performance.now();
  const first = await run(apart[0]);
  if (performance.now() - startMs > SLOW_MS) return 'a row takes too long to gain by others beside it';
  const second = await run(apart[1]);
  if (first === undefined || second === undefined) return undefined; // rows that push made up, and the graph refuses
  const again = await run(apart[0]);
  const changed = again && findDifferent(first, again, 0, paddingSide);
  if (changed !== undefined)
    return `its answers change from run to run ("${changed}"), as those of random numbers or of a normalisation in training`;
  const both = await run(together);
  if (both === undefined) return 'it fails on two rows together that it answers apart';
  if (Object.values(both).some(({ shape }) => shape[0] !== 2)) return 'it does not give two rows for two';
  const different = findDifferent(first, both, 0, paddingSide) ?? findDifferent(second, both, 1, paddingSide);
  return different === undefined ? undefined : `an answer depends on the rows beside it ("${different}" of two rows)`;
};

/**
 * Compares rows of each graph that takes several, alone and beside another, by `own` feeds of the task or by feeds like those of the trial run.
 * @returns the reasons to run rows one by one, by role
 */
export const findRowInfluence = async (
  sessions: Readonly<Record<string, Session>>,
  runs: Readonly<Record<string, readonly RecordedRun[]>>,
  own: Readonly<Record<string, TwoRows>>,
): Promise<Readonly<Record<string, string>>> => {
  const reasons: Record<string, string> = {};
  for (const [role, session] of Object.entries(sessions)) {
    const recorded = runs[role]?.[0];
    if (recorded === undefined || !isBatchable(session.signature)) continue;
    const reason = await compareRows(session, own[role] ?? toTwoRows(recorded), recorded.outputNames);
    if (reason !== undefined) reasons[role] = reason;
  }
  return reasons;
};
