import type { Tensors } from '../core/tensor.ts';
import type { Chunks } from '../onnx/chunks.ts';
import { assertNodeCount } from '../onnx/count-nodes.ts';
import { findDefaults, withoutDefaults } from '../onnx/default-inputs.ts';
import { fromParts, type ModelEdit, toParts } from '../onnx/edit-model.ts';
import { readGraph } from '../onnx/graph-document.ts';
import { findLookups } from '../onnx/lookups.ts';
import { type OnnxModel, parsing } from '../onnx/onnx-model.ts';
import { withPortableLocales } from '../onnx/portable-locale.ts';
import { withoutSequences } from '../onnx/sequence-outputs.ts';
import { withoutZipMap } from '../onnx/zip-map.ts';
import { findExternalData } from '../source/graph-source.ts';
import type { ModelSource } from '../source/model-source.ts';
import type { VersionFile } from './gather-files.ts';

export type Lookups = ReturnType<typeof findLookups>;

/** A graph as it is published. */
export interface PublishedGraph {
  readonly file: VersionFile;
  /** Files with weights. */
  readonly externalData: readonly string[];
  /** Values of inputs that callers may leave out, by name. */
  readonly defaults: Tensors;
  /** Tables in which the graph looks up elements of its inputs, by the name of the input. */
  readonly lookups: Lookups;
  /** Notes on changes of the graph, for people. */
  readonly notes: readonly string[];
}

/** Changes of every graph, each with its note. */
const EDITS: readonly (readonly [ModelEdit, note: string])[] = [
  [withoutZipMap, 'is published without its ZipMap, whose output onnxruntime-node cannot read'],
  [
    withoutSequences,
    'is published with an output for each target in the place of a list of them, which onnxruntime-node cannot read',
  ],
  [
    withPortableLocales,
    'is published with the locale C.UTF-8 in StringNormalizer, which changes the case of letters alike: Lambda lacks the locale of the graph',
  ],
];

/** A graph after all changes, in pieces; undefined when there were none. */
interface EditedGraph extends Pick<PublishedGraph, 'defaults' | 'notes'> {
  readonly content: Chunks | undefined;
}

/** The changes that a graph needs for onnxruntime-node and Lambda. @throws `MODEL_INVALID` for one that cannot be changed so */
export const editGraph = (model: OnnxModel, path: string, task: string): EditedGraph =>
  parsing(() => {
    const original = toParts(model);
    // Other tasks know the inputs of their graphs.
    const defaults = task === 'tensor' ? findDefaults(model, original) : {};
    const notes: string[] = [];
    let parts = withoutDefaults(defaults)(original);
    for (const [change, note] of EDITS) {
      const changed = change(parts);
      if (changed !== parts) notes.push(`${path} ${note}`);
      parts = changed;
    }
    return { content: parts === original ? undefined : fromParts(model, parts), defaults, notes };
  });

/** The graphs of a model by role, as onnxruntime-node and Lambda can run them. @throws `MODEL_INVALID` */
export const readGraphs = async (
  { directory, graphs }: ModelSource,
  task: string,
): Promise<Readonly<Record<string, PublishedGraph>>> => {
  const published: Record<string, PublishedGraph> = {};
  for (const [role, graph] of Object.entries(graphs)) {
    const { path } = graph;
    const model = await graph.read();
    assertNodeCount(model);
    const externalData = await findExternalData(directory, path, model.externalData);
    // A graph that is changed is written elsewhere, and weights would not lie beside it.
    // Most graphs stay as they are, and need not be read whole.
    const canChange = externalData.length === 0;
    const isChanged = canChange && editGraph(model, path, task).content !== undefined;
    const { content: changed, ...edited } = isChanged
      ? editGraph(await graph.readWhole(), path, task)
      : { content: undefined, defaults: {}, notes: [] };
    const content = changed ?? (graph.isFile ? undefined : model.fields.map(({ bytes }) => bytes));
    const lookups = findLookups(readGraph(model).graph);
    published[role] = { file: { path, ...(content && { content }) }, externalData, lookups, ...edited };
  }
  return published;
};
