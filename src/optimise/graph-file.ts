import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { refuse } from '../core/errors.ts';
import { type GraphDocument, readGraph, writeGraph } from '../onnx/graph-document.ts';
import { type OnnxModel, parseOnnxModel } from '../onnx/onnx-model.ts';
import { createWeightsWriter, readingFrom } from '../onnx/weights-file.ts';
import { mapWeights } from './passes/edit-names.ts';

/** A graph that is optimised, with the file that it came from. */
export interface GraphFile {
  readonly model: OnnxModel;
  readonly document: GraphDocument;
}

/** Reads the graph at `path`. Weights beside it are read from their files when a pass needs them. @throws `MODEL_INVALID` */
export const readGraphFile = async (path: string): Promise<GraphFile> => {
  const model = parseOnnxModel(await readFile(path));
  const { graph, opsets } = readGraph(model);
  return { model, document: { opsets, graph: mapWeights(graph, readingFrom(dirname(path))) } };
};

/** Large weights of a graph that had a file of their own get one again, with this suffix. */
const WEIGHTS_SUFFIX = '.data';

/**
 * Writes `document` in the place of the graph of `model` to `path`.
 * @returns the paths of the files, that of the graph first
 */
export const writeGraphFile = async ({ model, document }: GraphFile, path: string): Promise<string[]> => {
  if (model.externalData.length === 0) {
    await writeFile(path, writeGraph(model, document));
    return [path];
  }
  const weightsPath = path + WEIGHTS_SUFFIX;
  const writer = createWeightsWriter(weightsPath);
  try {
    const graph = mapWeights(document.graph, writer.write);
    await writeFile(path, writeGraph(model, { ...document, graph }));
  } finally {
    writer.close();
  }
  if ((await stat(weightsPath)).size > 0) return [path, weightsPath];
  await rm(weightsPath);
  return [path];
};

/** Operators of graphs that are quantised already. */
const QUANTISED = /Quantize|Integer$|^QLinear|^QAttention|NBits$|BnB4$/;

/** @throws `INVALID_REQUEST` for a graph whose weights are integers already */
export const assertNotQuantised = ({ document }: GraphFile, name: string): void => {
  const found = document.graph.nodes.find(({ operator }) => QUANTISED.test(operator));
  if (found === undefined) return;
  refuse(
    'INVALID_REQUEST',
    `${name} is quantised already (it has ${found.operator}); optimise the float32 model that it was made from`,
  );
};
