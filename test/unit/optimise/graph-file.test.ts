import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { cosine } from '../../../src/metrics/embeddings.ts';
import { createGraph, singles } from '../../../src/onnx/graph-builder.ts';
import { writeGraph } from '../../../src/onnx/graph-document.ts';
import { createWeightsWriter } from '../../../src/onnx/weights-file.ts';
import { assertNotQuantised, readGraphFile, writeGraphFile } from '../../../src/optimise/graph-file.ts';
import { mapWeights } from '../../../src/optimise/passes/edit-names.ts';
import { dynamicInt8 } from '../../../src/optimise/passes/int8-dynamic.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'graph-file-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Writes a product whose matrix lies in the file `model.onnx.data`. */
const writeExternal = async (): Promise<string> => {
  const graph = createGraph();
  const values = Float32Array.from({ length: 64 * 64 }, (_, index) => Math.sin(index * 1.7));
  const x = graph.input('x', 'float32', ['n', 64]);
  graph.output('y', graph.op('MatMul', [x, graph.constant(singles([64, 64], values))]), 'float32', ['n', 64]);
  const path = join(root, 'model.onnx');
  await writeFile(path, graph.toModel());
  const { model, document } = await readGraphFile(path);
  const writer = createWeightsWriter(`${path}.data`);
  const moved = mapWeights(document.graph, writer.write);
  writer.close();
  await writeFile(path, writeGraph(model, { ...document, graph: moved }));
  return path;
};

const run = async (path: string): Promise<Float32Array> => {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const x = new ort.Tensor(
    'float32',
    Float32Array.from({ length: 64 }, (_, index) => Math.cos(index)),
    [1, 64],
  );
  const { y } = await session.run({ x });
  return Float32Array.from(y?.data as Float32Array);
};

describe('a graph with weights in another file', () => {
  it('is read by offset, quantised, and written with a file of its own', async () => {
    const path = await writeExternal();
    const { model, document } = await readGraphFile(path);
    await mkdir(join(root, 'candidate'));

    const written = await writeGraphFile(
      { model, document: dynamicInt8(document, 8) },
      join(root, 'candidate', 'model.onnx'),
    );

    expect((await readdir(join(root, 'candidate'))).sort()).toEqual(['model.onnx', 'model.onnx.data']);
    expect((await stat(written[1] ?? '')).size).toBe(64 * 64);
    expect(cosine(await run(path), await run(written[0] ?? ''))).toBeGreaterThan(0.999);
  });

  it('is refused when its file ends too early', async () => {
    const path = await writeExternal();
    await writeFile(`${path}.data`, Buffer.alloc(100));
    const { document } = await readGraphFile(path);
    expect(() => dynamicInt8(document, 8)).toThrow(/model\.onnx\.data ends before byte 16384/);
  });
});

it('a graph that is quantised already is named with its operator', async () => {
  const path = join(root, 'model.onnx');
  await copyFile('test/fixtures/models/dynamically-quantised/model_quantized.onnx', path);
  const file = await readGraphFile(path);
  expect(() => assertNotQuantised(file, 'model.onnx')).toThrow(
    /model\.onnx is quantised already \(it has DynamicQuantizeLinear\)/,
  );
});
