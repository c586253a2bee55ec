import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { Tensor, Tensors } from '../core/tensor.ts';
import { bakeGraph, runtimeVersion, WEIGHTS_SUFFIX } from '../engine/bake.ts';
import type { Session } from '../engine/session.ts';
import type { Draft } from '../repository/versions/publish.ts';

/** Graphs with less weight load in a few milliseconds as they are; a second file costs as much. */
const WORTH_BAKING_BYTES = 1024 * 1024;
/** Folding constants may also unfold them. */
const MOST_GROWTH = 1.5;
/** Of outputs, absolute up to 1 and relative above. */
const TOLERANCE = 1e-4;
/** Of what onnxruntime says: enough to look for. */
const MOST_CHARACTERS = 120;
/** A generating decoder runs many times; its first steps show what there is to see. */
const MOST_RUNS = 8;

/** What a session was fed and what it gave. */
export interface RecordedRun {
  readonly feeds: Tensors;
  readonly outputNames: readonly string[] | undefined;
  readonly outputs: Tensors;
}

/** Tensors as they are now: whoever generates writes into those it got, and feeds them again. */
const copy = (tensors: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() } as Tensor]),
  );

/** `session`, which notes its first runs in `runs`. */
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

/** Opens the graph at `localPath` with the code that serves it. */
type Open = (localPath: string) => Promise<{ readonly session: Session; readonly createMs: number }>;

/** How far the outputs lie from those of `runs`, and how long the session took. @throws when onnxruntime cannot load or run the graph */
const replay = async (localPath: string, runs: readonly RecordedRun[], open: Open) => {
  const { session, createMs } = await open(localPath);
  try {
    let maxDifference = 0;
    for (const { feeds, outputNames, outputs } of runs)
      maxDifference = Math.max(maxDifference, largestDifference(outputs, await session.run(feeds, outputNames)));
    return { createMs, maxDifference };
  } finally {
    await session.release();
  }
};

/**
 * Bakes `graph` into `scratch`, replays `runs` on it, and measures how long it takes to load.
 * The original stays what the version is made of: who wants to bake again, or not, has it.
 * @param leastBytes graphs with less weight stay as they are
 */
export const bake = async (
  role: string,
  graph: Graph,
  runs: readonly RecordedRun[],
  localPathOf: (path: string) => string,
  open: Open,
  scratch: string,
  leastBytes = WORTH_BAKING_BYTES,
): Promise<Baked> => {
  const originalBytes = await bytesOf([graph.file, ...graph.externalData].map(localPathOf));
  if (originalBytes < leastBytes || runs.length === 0) return { reason: undefined };
  const path = `baked/${role}.onnx`;
  const paths = [path, path + WEIGHTS_SUFFIX];
  const files = paths.map((file) => ({ path: file, localPath: join(scratch, file) }));
  const localPath = join(scratch, path);
  try {
    await mkdir(dirname(localPath), { recursive: true });
    await bakeGraph(localPathOf(graph.file), localPath);
    if (!(await exists(localPath + WEIGHTS_SUFFIX))) return { reason: undefined }; // nothing that a load could map
    const bakedBytes = await bytesOf(files.map((file) => file.localPath));
    if (bakedBytes > originalBytes * MOST_GROWTH)
      return {
        reason: `folding its constants would make ${formatBytes(bakedBytes)} of ${formatBytes(originalBytes)}`,
      };
    const { createMs, maxDifference } = await replay(localPath, runs, open);
    if (maxDifference > TOLERANCE)
      return { reason: `its outputs would differ by ${maxDifference}, at most ${TOLERANCE} is allowed` };
    const baked = {
      from: graph.file,
      runs: runs.length,
      maxDifference,
      tolerance: TOLERANCE,
      runtime: runtimeVersion(),
    };
    return { graph: { ...graph, file: path, externalData: paths.slice(1), createMs, baked }, files };
  } catch (error) {
    // Such as merged decoders: constants that both branches have are written twice under one name.
    const { message } = ServingError.from(error);
    return { reason: `onnxruntime does not load what it writes of it (${message.slice(0, MOST_CHARACTERS)}…)` };
  }
};
