import { assertNodeCount } from '../onnx/count-nodes.ts';
import { withoutZipMap } from '../onnx/zip-map.ts';
import { findExternalData } from '../source/graph-source.ts';
import type { ModelSource } from '../source/model-source.ts';
import type { VersionFile } from './gather-files.ts';

/** A graph as it is published. */
export interface PublishedGraph {
  readonly file: VersionFile;
  /** Files with weights. */
  readonly externalData: readonly string[];
  /** Notes on changes of the graph, for people. */
  readonly notes: readonly string[];
}

/** A note on a graph that has a ZipMap. */
export const noteOnZipMap = (path: string): string =>
  `${path} is published without its ZipMap, whose output onnxruntime-node cannot read`;

/** The graphs of a model by role, without operators whose outputs are no tensors. @throws `MODEL_INVALID` */
export const readGraphs = async ({
  directory,
  graphs,
}: ModelSource): Promise<Readonly<Record<string, PublishedGraph>>> => {
  const published: Record<string, PublishedGraph> = {};
  for (const [role, graph] of Object.entries(graphs)) {
    const { path } = graph;
    const model = await graph.read();
    assertNodeCount(model);
    const externalData = await findExternalData(directory, path, model.externalData);
    // A graph that is changed is written elsewhere, and weights would not lie beside it.
    const hasZipMap = externalData.length === 0 && withoutZipMap(model) !== undefined;
    const changed = hasZipMap ? withoutZipMap(await graph.readWhole()) : undefined;
    const content = changed ?? (graph.isFile ? undefined : model.fields.map(({ bytes }) => bytes));
    const notes = changed ? [noteOnZipMap(path)] : [];
    published[role] = { file: { path, ...(content && { content }) }, externalData, notes };
  }
  return published;
};
