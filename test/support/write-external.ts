import { readFile, writeFile } from 'node:fs/promises';
import { readGraph, writeGraph } from '../../src/onnx/graph-document.ts';
import { parseOnnxModel } from '../../src/onnx/onnx-model.ts';
import { createWeightsWriter } from '../../src/onnx/weights-file.ts';
import { mapWeights } from '../../src/optimise/passes/edit-names.ts';

/** Writes graphs anew whose large weights lie by turns in `files`, which the graphs share. */
export const writeExternal = async (
  graphs: readonly (readonly [from: string, to: string])[],
  files: readonly string[],
): Promise<void> => {
  const writers = files.map(createWeightsWriter);
  let count = 0;
  try {
    for (const [from, to] of graphs) {
      const model = parseOnnxModel(await readFile(from));
      const document = readGraph(model);
      const graph = mapWeights(document.graph, (weights) => {
        const moved = writers[count % writers.length]?.write(weights) ?? weights;
        count += Number(moved.external !== undefined);
        return moved;
      });
      await writeFile(to, writeGraph(model, { ...document, graph }));
    }
  } finally {
    for (const { close } of writers) close();
  }
};
