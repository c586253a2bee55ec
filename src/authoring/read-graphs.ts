import type { Chunks } from '../onnx/chunks.ts';
import { assertNodeCount } from '../onnx/count-nodes.ts';
import type { OnnxModel } from '../onnx/onnx-model.ts';
import { withoutSequences } from '../onnx/sequence-outputs.ts';
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

/** Changes of graphs that onnxruntime-node cannot answer, each with its note. A graph of scikit-learn has one of their operators. */
const EDITS: readonly (readonly [edit: (model: OnnxModel) => Chunks | undefined, note: string])[] = [
  [withoutZipMap, 'is published without its ZipMap, whose output onnxruntime-node cannot read'],
  [
    withoutSequences,
    'is published with an output for each target in the place of a list of them, which onnxruntime-node cannot read',
  ],
];

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
    const edits = externalData.length === 0 ? EDITS : [];
    const [changed, note] = edits.map(([edit, text]) => [edit(model), text] as const).find(([made]) => made) ?? [];
    const content = changed ?? (graph.isFile ? undefined : model.fields.map(({ bytes }) => bytes));
    const notes = note === undefined ? [] : [`${path} ${note}`];
    published[role] = { file: { path, ...(content && { content }) }, externalData, notes };
  }
  return published;
};
