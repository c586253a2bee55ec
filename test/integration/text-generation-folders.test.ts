import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tensor } from '../../src/core/tensor.ts';
import { toField, toPieces } from '../../src/onnx/chunks.ts';
import { readGraph, writeGraph } from '../../src/onnx/graph-document.ts';
import { createNode, type OnnxGraph, tensorValue } from '../../src/onnx/node.ts';
import { parseOnnxModel } from '../../src/onnx/onnx-model.ts';
import { GRAPH } from '../../src/onnx/schema.ts';
import { encodeValueInfo } from '../../src/onnx/tensor-proto.ts';
import { askForText } from '../support/parity/text-generation.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';
import { writeExternal } from '../support/write-external.ts';

const MODELS = 'test/fixtures/models';
const PROMPT = 'The weather is fine today, and we are going to the market.';

let root: string;
let serving: TestServing;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'generator-folders-'));
  serving = await createTestServing();
  for (const name of ['tiny-llama', 'tiny-llama-half', 'tiny-llama-int4']) await pushNamed(serving.repository, name);
});
afterAll(async () => {
  await serving.remove();
  await rm(root, { recursive: true });
});

const idsOf = async (model: string, inputs: unknown = PROMPT): Promise<number[]> => {
  const [answer] = await askForText(serving, model, inputs);
  return answer?.details.tokens.map(({ id }) => id) ?? [];
};

/** Pushes a copy of `model` whose graph `from` has the name `to`, changed by `change`. */
const pushRenamed = async (
  model: string,
  from: string,
  to: string,
  change: (path: string) => Promise<void> = async () => {},
): Promise<string> => {
  const folder = await mkdtemp(join(root, 'model-'));
  await cp(join(MODELS, model), folder, { recursive: true });
  await mkdir(dirname(join(folder, to)), { recursive: true });
  await rename(join(folder, from), join(folder, to));
  await change(join(folder, to));
  const name = to.replaceAll(/\W/g, '-');
  await pushModel(serving.repository, folder, { name });
  return name;
};

/** A branch with names of its own for all that its nodes give. */
const toBranch = ({ nodes, outputs }: OnnxGraph, name: string): OnnxGraph => {
  const made = new Set(nodes.flatMap((node) => node.outputs.filter(Boolean)));
  const own = (value: string): string => (made.has(value) ? `${name}.${value}` : value);
  return {
    nodes: nodes.map((node) => ({ ...node, inputs: node.inputs.map(own), outputs: node.outputs.map(own) })),
    ...{ weights: new Map(), inputs: [] },
    outputs: outputs.map((output) => ({
      name: own(output.name),
      encoded: encodeValueInfo(own(output.name), 'float32'),
    })),
    rest: toField(GRAPH.name, name),
  };
};

/** A branch for texts without a cache, whose input it ignores: the merged decoders of Optimum get a cache of zeros there. */
const withoutPast = ({ inputs, ...graph }: OnnxGraph, heads: number, size: number): OnnxGraph => {
  const empty = (past: string) => `empty.${past}`;
  const isPast = (name: string): boolean => name.startsWith('past_key_values.');
  const pasts = inputs.filter(({ name }) => isPast(name)).map(({ name }) => name);
  const shape = tensor('int64', [4], BigInt64Array.from([1, heads, 0, size], BigInt));
  const nodes = pasts.map((past) => createNode('ConstantOfShape', ['empty.shape'], [empty(past)]));
  const constant = createNode('Constant', [], ['empty.shape'], { value: tensorValue(shape) });
  const read = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => (isPast(input) ? empty(input) : input)),
  }));
  return { ...graph, inputs, nodes: [constant, ...nodes, ...read] };
};

/** Makes the decoder at `path` a merged one, as Optimum exports it: `use_cache_branch` chooses the first step or a later one. */
const merge = async (path: string): Promise<void> => {
  const model = parseOnnxModel(await readFile(path));
  const { graph, opsets } = readGraph(model);
  const outputs = graph.outputs.map(({ name }) => name);
  const branches = {
    then_branch: { type: 'graph', value: toBranch(graph, 'later') },
    else_branch: { type: 'graph', value: toBranch(withoutPast(graph, 2, 8), 'first') },
  } as const;
  const inputs = [
    ...graph.inputs,
    { name: 'use_cache_branch', encoded: encodeValueInfo('use_cache_branch', 'bool', [1]) },
  ];
  const nodes = [createNode('If', ['use_cache_branch'], outputs, branches)];
  await writeFile(path, toPieces(writeGraph(model, { opsets, graph: { ...graph, inputs, nodes } })));
};

describe('a folder of a text generator', () => {
  it.each(['model_q4.onnx', 'model_int8.onnx', 'model_quantized.onnx', 'onnx/model_uint8.onnx'])(
    'answers with the graph %s',
    async (path) => {
      expect(await idsOf(await pushRenamed('tiny-llama', 'model.onnx', path))).toEqual(await idsOf('tiny-llama'));
    },
  );

  it('answers with float16 weights and caches in model_q4f16.onnx', async () => {
    const name = await pushRenamed('tiny-llama-half', 'onnx/model_fp16.onnx', 'model_q4f16.onnx');
    expect(await idsOf(name)).toEqual(await idsOf('tiny-llama-half'));
  });

  it('answers with the files that onnxruntime-genai wrote, below onnx', async () => {
    const name = await pushRenamed('tiny-llama-int4', 'model.onnx', 'onnx/model_q4.onnx', async (path) => {
      await rename(join(dirname(path), '..', 'model.onnx.data'), join(dirname(path), 'model.onnx.data'));
    });
    expect(await idsOf(name)).toEqual(await idsOf('tiny-llama-int4'));
  });

  it('answers with weights in several files', async () => {
    const files = ['model.onnx_data', 'model.onnx_data_1', 'model.onnx_data_2'];
    const name = await pushRenamed('tiny-llama', 'model.onnx', 'onnx/model.onnx', async (path) => {
      const paths = files.map((file) => join(dirname(path), file));
      await writeExternal([[path, path]], paths);
      for (const each of paths) expect((await stat(each)).size).toBeGreaterThan(0);
    });
    const { graphs } = await serving.repository.bundle(name, 1);
    expect(graphs.model?.externalData).toEqual(files.map((file) => `onnx/${file}`));
    expect(await idsOf(name)).toEqual(await idsOf('tiny-llama'));
  });

  it('answers with a merged decoder, whose first step has no cache', async () => {
    const name = await pushRenamed('tiny-llama', 'model.onnx', 'onnx/decoder_model_merged.onnx', merge);
    const { graphs } = await serving.repository.bundle(name, 1);
    expect(graphs.model?.signature.inputs.map((input) => input.name)).toContain('use_cache_branch');
    const long = 'The market is cold. '.repeat(60);
    for (const text of [PROMPT, '', long, PROMPT])
      expect(await idsOf(name, text)).toEqual(await idsOf('tiny-llama', text));
  });
});
