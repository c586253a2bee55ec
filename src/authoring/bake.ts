import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LAMBDA_MB_PER_VCPU } from '../core/aws-limits.ts';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import type { TensorSpec } from '../core/tensor.ts';
import { bakeGraph, runtimeVersion, WEIGHTS_SUFFIX } from '../engine/bake.ts';
import { openGraph } from '../engine/open-graphs.ts';
import type { Draft, LocalFile } from '../repository/versions/publish.ts';
import { compareDecoding, type DecodingDifference } from './compare-decoding.ts';
import { type Cut, cutToLastPosition, lastPositionOfRun, replayRun } from './cut-to-last-position.ts';
import { toLocalFile } from './gather-files.ts';
import type { RecordedRun } from './recorded-runs.ts';
import type { RunsByRole } from './trial-run.ts';

/** Graphs with less weight load in a few milliseconds as they are; a second file costs as much. */
const WORTH_BAKING_BYTES = 1024 * 1024;
/** Folding constants may also unfold them. */
const MOST_GROWTH = 1.5;
/** Largest difference of outputs, absolute up to 1 and relative above. */
const TOLERANCE = 1e-4;
/**
 * The largest difference of the logits of several steps in one run, in their standard deviations. Right graphs had up to 0.00003, and up to
 * 0.02 where a node rounds to 8 bits. A cache that is read wrongly gives 0.1 and more.
 */
const DECODING_TOLERANCE = { exact: 0.001, rounding: 0.05 };
/** Length of a quoted message of onnxruntime: enough to look for. */
const MOST_CHARACTERS = 120;
const bytesOf = async (paths: readonly string[]): Promise<number> =>
  (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);

type Graph = Draft['graphs'][string];

/** A graph as functions load it, and its files; or the reason why the graph stays as it is, where people should know it. */
export type Baked =
  | { readonly graph: Graph; readonly files: readonly { readonly path: string; readonly localPath: string }[] }
  | { readonly reason: string | undefined };

export interface BakeOptions {
  /** Graphs with less weight stay as they are. */
  readonly leastBytes?: number;
  /** An output [N,positions,…] of which the last position alone is computed, if the graph allows it. */
  readonly lastPositionOf?: string;
}

/** The reason why steps of a decoder in one run are not those one by one; undefined where they are. */
const problemOfSteps = ({ logits, wrongDrafts }: DecodingDifference, cut: Cut | undefined): string | undefined => {
  const most = DECODING_TOLERANCE[cut?.rounds ? 'rounding' : 'exact'];
  if (logits > most)
    return `several steps in one run would change its logits by ${logits.toPrecision(2)} of their spread, at most ${most} is allowed`;
  return wrongDrafts > 0 ? `${wrongDrafts} steps of a run would draft a token that is not the likeliest` : undefined;
};

/** Runs `runs` again on the graph at `localPath`, opened as it is served. @throws when onnxruntime cannot load or run the graph */
const replay = async (localPath: string, runs: readonly RecordedRun[]) => {
  const { session, createMs } = await openGraph(localPath, LAMBDA_MB_PER_VCPU);
  try {
    let maxDifference = 0;
    for (const run of runs) maxDifference = Math.max(maxDifference, await replayRun(session, run));
    const decoding = await compareDecoding(session, runs);
    return { decoding, createMs: Math.round(createMs), maxDifference, signature: session.signature };
  } finally {
    await session.release();
  }
};

/**
 * Bakes `graph` into `scratch`, replays `runs` on it, and measures its load.
 * The original stays a file of the version, from which the graph can be baked again.
 */
export const bake = async (
  role: string,
  graph: Graph,
  runs: readonly RecordedRun[],
  localPathOf: (path: string) => string,
  scratch: string,
  { leastBytes = WORTH_BAKING_BYTES, lastPositionOf }: BakeOptions = {},
): Promise<Baked> => {
  const originalBytes = await bytesOf([graph.file, ...graph.externalData].map(localPathOf));
  if (originalBytes < leastBytes || runs.length === 0) return { reason: undefined };
  const path = `baked/${role}.onnx`;
  const weightsPath = path + WEIGHTS_SUFFIX;
  const files = [path, weightsPath].map((file) => ({ path: file, localPath: join(scratch, file) }));
  const localPath = join(scratch, path);
  try {
    await mkdir(dirname(localPath), { recursive: true });
    await bakeGraph(localPathOf(graph.file), localPath);
    const cut = lastPositionOf === undefined ? undefined : await cutToLastPosition(localPath, lastPositionOf);
    const hasWeights = await stat(join(scratch, weightsPath)).catch(() => undefined);
    if (!hasWeights) return { reason: undefined }; // nothing that a load could map
    const bakedBytes = await bytesOf(files.map((file) => file.localPath));
    if (bakedBytes > originalBytes * MOST_GROWTH)
      return {
        reason: `folding its constants would make ${formatBytes(bakedBytes)} of ${formatBytes(originalBytes)}`,
      };
    const { signature, ...replayed } = await replay(
      localPath,
      cut && lastPositionOf !== undefined ? runs.map((run) => lastPositionOfRun(run, lastPositionOf)) : runs,
    );
    const { createMs, maxDifference } = replayed;
    if (maxDifference > TOLERANCE)
      return { reason: `its outputs would differ by ${maxDifference}, at most ${TOLERANCE} is allowed` };
    const problem = problemOfSteps(replayed.decoding, cut);
    if (problem !== undefined) return { reason: problem };
    const baked = {
      from: graph.file,
      runs: runs.length,
      maxDifference,
      tolerance: TOLERANCE,
      runtime: runtimeVersion(),
    };
    const copy = ({ name, dtype, shape }: TensorSpec) => ({ name, dtype, shape: [...shape] });
    const { inputs, outputs } = signature;
    return {
      graph: {
        ...graph,
        ...{ file: path, externalData: [weightsPath], createMs, baked },
        ...(cut && { signature: { inputs: inputs.map(copy), outputs: outputs.map(copy) } }),
      },
      files,
    };
  } catch (error) {
    // Such as merged decoders: constants that both branches have are written twice under one name.
    const { message } = ServingError.from(error);
    return { reason: `onnxruntime does not load what it writes of it (${message.slice(0, MOST_CHARACTERS)}…)` };
  }
};

/** Bakes each of `graphs` that loads faster for it. Returns all graphs, with the files that were added and notes on those that stay. */
export const bakeGraphs = async (
  graphs: Draft['graphs'],
  runs: RunsByRole,
  localPathOf: (path: string) => string,
  scratch: string,
  lastPositionOf?: string,
) => {
  const served: Draft['graphs'] = {};
  const files: LocalFile[] = [];
  const notes: string[] = [];
  for (const [role, graph] of Object.entries(graphs)) {
    const baked = await bake(role, graph, runs[role] ?? [], localPathOf, scratch, {
      ...(lastPositionOf !== undefined && { lastPositionOf }),
    });
    served[role] = 'graph' in baked ? baked.graph : graph;
    if ('graph' in baked) for (const { path, localPath } of baked.files) files.push(await toLocalFile(path, localPath));
    else if (baked.reason !== undefined) notes.push(`${graph.file} is served as it is: ${baked.reason}`);
  }
  return { graphs: served, files, notes };
};
