import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SmallGraph, toOnnxFile } from '../onnx-graph.ts';

const COLOURS = 'test/fixtures/models/colours';
export const COLOUR_LABELS: readonly string[] = ['red', 'green', 'blue'];
/** The labels of a version that answers wrong. */
export const SWAPPED_LABELS: readonly string[] = ['green', 'blue', 'red'];

/** Writes the classifier of pictures into a folder, with these labels, and perhaps with another graph. */
export const writeColours = async (folder: string, labels = COLOUR_LABELS, graph?: SmallGraph): Promise<void> => {
  await cp(COLOURS, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, id2label: { ...labels } }));
  if (graph !== undefined) await writeFile(join(folder, 'onnx/model.onnx'), toOnnxFile(graph));
};
