import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServingError } from '../src/core/errors.ts';
import type { Tensor, Tensors } from '../src/core/tensor.ts';
import { bakeGraph, runtimeVersion, WEIGHTS_SUFFIX } from '../src/engine/bake.ts';
import type { Session } from '../src/engine/session.ts';
import type { Draft } from '../src/repository/publish.ts';
import { formatBytes } from './format.ts';

/** Graphs with less weight load in a few milliseconds as they are; a second file costs as much. */
const WORTH_BAKING_BYTES = 1024 * 1024;
/** Folding constants may also unfold them. */
const MOST_GROWTH = 1.5;
/** Of outputs, absolute up to 1 and relative above. */
const TOLERANCE = 1e-4;
/** A generating decoder runs many times; its first steps show what there is to see. */
const MOST_RUNS = 8;

/** What a session was fed and what it gave. */
export interface RecordedRun {
  readonly feeds: Tensors;
  readonly outputNames: readonly string[] | undefined;
  readonly outputs: Tensors;
}

/** `session`, which notes its first runs in `runs`. */
export const recordRuns = (session: Session, runs: RecordedRun[]): Session => ({
  ...session,
  run: async (feeds, outputNames) => {
    const outputs = await session.run(feeds, outputNames);
    if (runs.length < MOST_RUNS) runs.push({ feeds, outputNames, outputs });
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

/** How far the outputs of two sessions lie apart: absolute up to 1, relative above, infinite for anything but fractions. */
export const largestDifference = (expected: Tensors, actual: Tensors): number =>
  Object.entries(expected).reduce(
    (largest, [name, tensor]) => Math.max(largest, differenceOf(tensor, actual[name])),
    0,
  );

const bytesOf = async (paths: readonly string[]): Promise<number> =>
  (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

type Graph = Draft['graphs'][string];

/** A graph as functions load it, and where its files lie; or why it stays as it is, where that is no matter of course. */
export type Baked =
  | { readonly graph: Graph; readonly files: readonly { readonly path: string; readonly localPath: string }[] }
  | { readonly reason: string | undefined };

/**
 * Bakes `graph` into `scratch`, replays `runs` on it, and measures how long it takes to load.
 * The original stays what the version is made of: who wants to bake again, or not, has it.
 */
export const bake = async (
  role: string,
  graph: Graph,
  runs: readonly RecordedRun[],
  localPathOf: (path: string) => string,
  open: (localPath: string) => Promise<{ readonly session: Session; readonly createMs: number }>,
  scratch: string,
): Promise<Baked> => {
  const originalBytes = await bytesOf([graph.file, ...graph.externalData].map(localPathOf));
  if (originalBytes < WORTH_BAKING_BYTES) return { reason: undefined };
  const path = `baked/${role}.onnx`;
  const localPath = join(scratch, path);
  try {
    await mkdir(dirname(localPath), { recursive: true });
    await bakeGraph(localPathOf(graph.file), localPath);
  } catch (error) {
    return { reason: `onnxruntime could not write it: ${ServingError.from(error).message}` };
  }
  const hasWeights = await exists(localPath + WEIGHTS_SUFFIX);
  const paths = [path, ...(hasWeights ? [path + WEIGHTS_SUFFIX] : [])];
  const files = paths.map((file) => ({ path: file, localPath: join(scratch, file) }));
  const bakedBytes = await bytesOf(files.map((file) => file.localPath));
  if (bakedBytes > originalBytes * MOST_GROWTH)
    return { reason: `folding its constants would make ${formatBytes(bakedBytes)} of ${formatBytes(originalBytes)}` };

  const { session, createMs } = await open(localPath);
  try {
    let maxDifference = 0;
    for (const { feeds, outputNames, outputs } of runs)
      maxDifference = Math.max(maxDifference, largestDifference(outputs, await session.run(feeds, outputNames)));
    if (maxDifference > TOLERANCE)
      return { reason: `its outputs differ by ${maxDifference}, at most ${TOLERANCE} is allowed` };
    const baked = {
      from: graph.file,
      runs: runs.length,
      maxDifference,
      tolerance: TOLERANCE,
      runtime: runtimeVersion(),
    };
    return { graph: { ...graph, file: path, externalData: paths.slice(1), createMs, baked }, files };
  } finally {
    await session.release();
  }
};
