import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { isDynamicallyQuantised } from '../onnx/dynamic-quantization.ts';
import type { GraphDocument } from '../onnx/graph-document.ts';
import { parseOnnxModel } from '../onnx/onnx-model.ts';
import { assertNotQuantised, type GraphFile, readGraphFile, writeGraphFile } from './graph-file.ts';
import { type LocalVersion, placeOf } from './measuring/local-version.ts';
import { float16Weights } from './passes/float16-weights.ts';
import { foldBatchNorms } from './passes/fold-batch-norms.ts';
import { foldCasts } from './passes/fold-casts.ts';
import { tidy } from './passes/tidy.ts';

type BundleGraph = LocalVersion['bundle']['graphs'][string];

/** A graph of a version as its author pushed it, and as the methods begin with it. */
export interface PreparedGraph {
  readonly role: string;
  /** The file of the version that the author pushed. */
  readonly file: string;
  readonly original: GraphFile;
  /** Without batch norms, casts of weights, and parts that are there twice or unused. */
  readonly prepared: GraphDocument;
  /** True when weights stood in float16; then all large ones do again. */
  readonly hasHalves: boolean;
  /** Files of the version with its weights. */
  readonly weights: readonly string[];
  /** Bytes of the file and of those with its weights. */
  readonly bytes: number;
}

/** A candidate: a version, and the bytes of its graphs. */
export interface Candidate {
  readonly version: LocalVersion;
  readonly bytes: number;
}

const sizeOf = async (paths: readonly string[]): Promise<number> =>
  (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);

/** The graph as it was pushed: a baked one has lost what the passes look for. */
const pushedFile = ({ file, baked }: BundleGraph): string => baked?.from ?? file;

/** Reads the graphs of a version. @throws `INVALID_REQUEST` when one is quantised already */
export const prepareGraphs = async (version: LocalVersion): Promise<PreparedGraph[]> => {
  const graphs: PreparedGraph[] = [];
  for (const [role, graph] of Object.entries(version.bundle.graphs)) {
    const file = pushedFile(graph);
    const path = placeOf(version, file);
    const original = await readGraphFile(path);
    assertNotQuantised(original, file);
    const folded = foldCasts(original.document);
    const hasHalves = folded.graph.nodes.length < original.document.graph.nodes.length;
    const prepared = tidy(foldBatchNorms(folded));
    const weights = original.model.externalData.map((location) => posix.join(posix.dirname(file), location));
    const places = weights.map((each) => placeOf(version, each));
    graphs.push({ role, file, original, prepared, hasHalves, weights, bytes: await sizeOf([path, ...places]) });
  }
  return graphs;
};

/** Tells whether an answer of a graph depends on the rows beside its own. */
const dependsOnRows = async (path: string): Promise<boolean> =>
  isDynamicallyQuantised(parseOnnxModel(await readFile(path)));

/**
 * Writes a candidate into `folder`: `version` with other graphs, which keep their paths. Rows run one by one where they influence each other.
 * @param documents the graph of each role
 */
export const writeCandidate = async (
  version: LocalVersion,
  graphs: readonly PreparedGraph[],
  documents: ReadonlyMap<string, GraphDocument>,
  folder: string,
): Promise<Candidate> => {
  const places = { ...version.places };
  const changed: Record<string, BundleGraph> = {};
  let bytes = 0;
  let isDependent = false;
  for (const { role, file, original, prepared, hasHalves } of graphs) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    const changedGraph = documents.get(role) ?? prepared;
    const document = hasHalves ? float16Weights(changedGraph) : changedGraph;
    const written = await writeGraphFile({ ...original, document }, path);
    const files = written.map((place) => place.slice(folder.length + 1));
    for (const [index, name] of files.entries()) places[name] = written[index] ?? '';
    const { baked: _baked, ...graph } = version.bundle.graphs[role] ?? {
      file,
      externalData: [],
      signature: { inputs: [], outputs: [] },
      createMs: 0,
    };
    changed[role] = { ...graph, file, externalData: files.slice(1) };
    bytes += await sizeOf(written);
    isDependent ||= await dependsOnRows(path);
  }
  const { bundle } = version;
  const maxBatch = isDependent ? 1 : bundle.maxBatch;
  return { version: { places, bundle: { ...bundle, graphs: changed, maxBatch } }, bytes };
};
