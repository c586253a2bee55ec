import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { tensor } from '../../../src/core/tensor.ts';
import { createGraph, singles } from '../../../src/onnx/graph-builder.ts';
import { readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { graphsOf, type OnnxGraph } from '../../../src/onnx/node.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { weightsOf } from '../../../src/onnx/tensor-proto.ts';

const FOLDER = 'test/fixtures/models';
const files = (await readdir(FOLDER, { recursive: true })).filter((path) => path.endsWith('.onnx')).sort();

const everyGraph = (graph: OnnxGraph): OnnxGraph[] => [graph, ...graph.nodes.flatMap(graphsOf).flatMap(everyGraph)];

describe('a graph that is read and written', () => {
  const withBranches: string[] = [];

  it.each(files)('%s has its graphs, and opens as before, with the same inputs and outputs', async (path) => {
    const bytes = await readFile(join(FOLDER, path));
    const model = parseOnnxModel(bytes);
    const document = readGraph(model);
    const graphs = everyGraph(document.graph);
    if (graphs.length > 1) withBranches.push(path);
    const written = Buffer.concat([...writeGraph(model, document)]);
    expect(everyGraph(readGraph(parseOnnxModel(written)).graph).map(({ nodes }) => nodes.length)).toEqual(
      graphs.map(({ nodes }) => nodes.length),
    );
    if (model.externalData.length > 0) return;
    // Optimisations take most of the time, and change neither inputs nor outputs.
    const options = { logSeverityLevel: 4, intraOpNumThreads: 1, graphOptimizationLevel: 'disabled' } as const;
    const open = async (content: Uint8Array) => {
      const session = await ort.InferenceSession.create(content, options);
      const signature = { inputs: session.inputMetadata, outputs: session.outputMetadata };
      await session.release();
      return signature;
    };
    const before = await open(bytes).catch((error: Error) => error.message);
    if (typeof before === 'string') return; // a graph that no runtime opens is a fixture of its own
    expect(await open(written)).toEqual(before);
  });

  it('graphs within nodes are among them', () => {
    expect(withBranches.length).toBeGreaterThan(0);
  });

  it('weights are replaced', async () => {
    const graph = createGraph();
    const x = graph.input('x', 'float32', [2]);
    graph.output('y', graph.op('Mul', [x, graph.constant(singles([2], [2, 3]))]), 'float32', [2]);
    const model = parseOnnxModel(Buffer.concat([...graph.toModel()]));
    const document = readGraph(model);
    const [name = ''] = document.graph.weights.keys();
    const weights = new Map([[name, weightsOf(name, singles([2], [5, 7]))]]);
    const changed = writeGraph(model, { ...document, graph: { ...document.graph, weights } });
    const session = await ort.InferenceSession.create(Buffer.concat([...changed]));
    const { y } = await session.run({ x: new ort.Tensor('float32', [1, 1], [2]) });
    expect([...Object(y?.data)]).toEqual([5, 7]);
  });

  it.each([
    tensor('float32', [2], Float32Array.of(1.5, -0)),
    tensor('float64', [1], Float64Array.of(Number.NaN)),
    tensor('int64', [2], BigInt64Array.of(-1n, 2n ** 62n)),
    tensor('uint8', [3], Uint8Array.of(0, 7, 255)),
    tensor('int8', [], Int8Array.of(-128)),
    tensor('float16', [2], Uint16Array.of(15_360, 0)),
    tensor('bool', [2], Uint8Array.of(1, 0)),
    tensor('string', [2], ['Ä', '']),
  ])('weights of type %o are read as they were written', (content) => {
    const graph = createGraph();
    graph.constant(content);
    const { weights } = readGraph(parseOnnxModel(Buffer.concat([...graph.toModel()]))).graph;
    expect([...weights.values()].map((each) => each.read())).toEqual([content]);
  });
});
