import { readFile, writeFile } from 'node:fs/promises';
import { mapTensors, sliceData, tensor } from '../core/tensor.ts';
import { toPieces } from '../onnx/chunks.ts';
import { readGraph, writeGraph } from '../onnx/graph-document.ts';
import { withLastPosition } from '../onnx/last-position.ts';
import { parseOnnxModel } from '../onnx/onnx-model.ts';
import type { RecordedRun } from './recorded-runs.ts';

/**
 * Makes the graph at `path`, whose weights lie beside it, compute an output for its last position alone.
 * @returns false for a graph that stays as it is
 */
export const cutToLastPosition = async (path: string, output: string): Promise<boolean> => {
  const model = parseOnnxModel(await readFile(path));
  const { graph, opsets } = readGraph(model);
  const cut = withLastPosition(graph, output);
  if (cut === graph) return false;
  await writeFile(path, toPieces(writeGraph(model, { graph: cut, opsets })));
  return true;
};

/** A run of one row as the graph that was cut gives it: with the last position of an output [1,positions,width]. */
export const lastPositionOfRun = (run: RecordedRun, output: string): RecordedRun => ({
  ...run,
  outputs: mapTensors(run.outputs, (own, name) => {
    if (name !== output) return own;
    const { dtype, shape, data } = own;
    const [, , width = 0] = shape;
    return tensor(dtype, [1, 1, width], sliceData(data, data.length - width, data.length));
  }),
});
