import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { withDecodingLoop } from '../../../src/authoring/decoding-loop.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { DType } from '../../../src/core/tensor.ts';
import { createSession, type Session } from '../../../src/engine/session.ts';
import { emptyCache } from '../../../src/generation/causal/cache.ts';
import { generateTokens } from '../../../src/generation/causal/generate.ts';
import { readLayout } from '../../../src/generation/causal/layout.ts';
import type { Sampling } from '../../../src/generation/causal/sampling.ts';
import { toPieces } from '../../../src/onnx/chunks.ts';
import { createGraph, type GraphBuilder, longs, singles } from '../../../src/onnx/graph-builder.ts';
import { type GraphDocument, readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { withLastPosition } from '../../../src/onnx/last-position.ts';
import { type Attributes, float, integer } from '../../../src/onnx/node.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';

const folder = await mkdtemp(join(tmpdir(), 'split-attention-'));
const opened: Session[] = [];
afterAll(async () => {
  await Promise.all(opened.map((session) => session.release()));
  await rm(folder, { recursive: true });
});

const [HEADS, CACHED, SIZE, VOCABULARY, CONTEXT] = [4, 2, 32, 64, 512];

interface Variant {
  readonly attributes?: Attributes;
  readonly isPacked?: boolean;
  /** Numbers of a head that are rotated. */
  readonly rotated?: number;
  /** float32 inputs of the node by their place. */
  readonly inputs?: Readonly<Record<number, number>>;
  readonly takesPositions?: boolean;
  readonly cache?: DType;
  readonly usesCacheElsewhere?: boolean;
}

/** A decoder of one attention with random weights. */
const toDocument = (variant: Variant): { model: ReturnType<typeof parseOnnxModel>; document: GraphDocument } => {
  const { attributes = {}, isPacked = true, rotated = 0, inputs = {}, takesPositions, cache = 'float32' } = variant;
  const random = createRandom(3);
  const graph = createGraph();
  const weights = (scale: number, ...shape: number[]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => (random() - 0.5) * scale);
    return graph.constant(singles(shape, values));
  };
  const rotations = (of: (angle: number) => number) =>
    graph.constant(
      singles(
        [CONTEXT, rotated / 2],
        Array.from({ length: (CONTEXT * rotated) / 2 }, (_, index) =>
          of(Math.floor(index / (rotated / 2)) / 10 ** (index % (rotated / 2))),
        ),
      ),
    );
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens']);
  const mask = graph.input('attention_mask', 'int64', ['batch', 'all']);
  const positions = takesPositions ? graph.input('position_ids', 'int64', ['batch', 'tokens']) : '';
  const toInt32 = (value: string) => graph.op('Cast', [value], { to: integer(6) });
  const sum = graph.op('ReduceSum', [mask, graph.constant(longs([1]))], { keepdims: integer(0) });
  const lengths = toInt32(graph.op('Sub', [sum, graph.constant(longs([1]))]));
  const all = toInt32(graph.op('Squeeze', [graph.op('Shape', [mask], { start: integer(1) })]));
  const shape = ['batch', CACHED, 'past', SIZE];
  const past = ['key', 'value'].map((part) => graph.input(`past_key_values.0.${part}`, cache, shape));
  const width = HEADS * SIZE;
  const x = graph.op('Gather', [weights(2, VOCABULARY, width), ids]);
  const project = (heads: number) => toCache(graph, graph.op('MatMul', [x, weights(0.5, width, heads * SIZE)]), cache);
  const own = isPacked ? [project(HEADS + 2 * CACHED), '', ''] : [project(HEADS), project(CACHED), project(CACHED)];
  const rest = [10, 11].map((place) => inputs[place]);
  const [attended = '', ...present] = graph.ops(
    'GroupQueryAttention',
    3,
    [
      ...[...own, ...past, lengths, all],
      ...(rotated > 0 ? [rotations(Math.cos), rotations(Math.sin)] : ['', '']),
      positions,
      ...rest.map((size) => (size === undefined ? '' : weights(4, size))),
    ],
    {
      ...{ num_heads: integer(HEADS), kv_num_heads: integer(CACHED), do_rotary: integer(rotated > 0 ? 1 : 0) },
      ...attributes,
    },
    'com.microsoft',
  );
  const float32 = cache === 'float32' ? attended : graph.op('Cast', [attended], { to: integer(1) });
  let mixed = graph.op('Add', [x, graph.op('MatMul', [float32, weights(1, width, width)])]);
  if (variant.usesCacheElsewhere) {
    const size = graph.op('Cast', [graph.op('Shape', [past[0] ?? ''], { start: integer(2), end: integer(3) })], {
      to: integer(1),
    });
    mixed = graph.op('Add', [mixed, size]);
  }
  graph.output('logits', graph.op('MatMul', [mixed, weights(0.5, width, VOCABULARY)]), 'float32', [
    'batch',
    'tokens',
    VOCABULARY,
  ]);
  for (const [index, part] of ['key', 'value'].entries())
    graph.output(`present.0.${part}`, present[index] ?? '', cache, ['batch', CACHED, 'total', SIZE]);
  const model = parseOnnxModel(Buffer.concat([...graph.toModel()]));
  const { graph: whole, opsets } = readGraph(model);
  // The builder names outputs by a node of their own.
  return { model, document: { opsets, graph: withoutIdentities(withLastPosition(whole, 'logits')) } };
};

const toCache = (graph: GraphBuilder, value: string, dtype: DType): string =>
  dtype === 'float16' ? graph.op('Cast', [value], { to: integer(10) }) : value;

/** Names the outputs of nodes as those of the graph, in the place of copies. */
const withoutIdentities = (graph: GraphDocument['graph']): GraphDocument['graph'] => {
  const names = new Map(
    graph.nodes.flatMap(({ operator, inputs: [from = ''], outputs: [to = ''] }) =>
      operator === 'Identity' ? [[from, to]] : [],
    ),
  );
  const nodes = graph.nodes.filter(({ operator }) => operator !== 'Identity');
  return {
    ...graph,
    nodes: nodes.map((node) => ({ ...node, outputs: node.outputs.map((name) => names.get(name) ?? name) })),
  };
};

const open = async (model: ReturnType<typeof parseOnnxModel>, document: GraphDocument, name: string) => {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, toPieces(writeGraph(model, document)));
  const session = await createSession(path, 1769);
  opened.push(session);
  return { graph: session, layout: readLayout(session.signature) };
};

const PROMPT = Array.from({ length: 80 }, (_, index) => (index * 29) % VOCABULARY);
const NEW_TOKENS = 200;

const SAMPLING: Sampling = { doSample: true, temperature: 2, topK: 20, topP: 1, minP: 0 };

/** Tokens of an answer, and the logits of each step. */
const answer = async ({ graph, layout }: Awaited<ReturnType<typeof open>>) => {
  const rows: Float32Array[] = [];
  const tokens: number[] = [];
  for await (const { id } of generateTokens({
    ...{ graph, layout, prompt: PROMPT, cache: emptyCache(layout), maxNewTokens: NEW_TOKENS },
    ...{ processors: [(logits) => void rows.push(logits.slice())], sampling: SAMPLING, eosTokenIds: [] },
    random: createRandom(5),
  }))
    tokens.push(id);
  return { rows, tokens };
};

/** The largest difference, relative above 1. */
const differenceOf = (rows: readonly Float32Array[], others: readonly Float32Array[]): number =>
  Math.max(
    ...rows.flatMap((row, step) =>
      Array.from(row, (each, id) => {
        const other = others[step]?.[id] ?? Number.NaN;
        return Math.abs(each - other) / Math.max(1, Math.abs(other));
      }),
    ),
  );

const VARIANTS: Record<string, Variant> = {
  'query, key and value in one': {},
  'query, key and value apart': { isPacked: false },
  'rotated heads': { rotated: SIZE },
  'rotated heads apart': { rotated: SIZE, isPacked: false },
  'rotated pairs of neighbours': { rotated: SIZE, attributes: { rotary_interleaved: integer(1) } },
  'heads rotated in part': { rotated: SIZE / 2 },
  'given positions': { rotated: SIZE, takesPositions: true },
  'a scale': { attributes: { scale: float(0.2) } },
  'a window': { attributes: { local_window_size: integer(7) } },
  'a window that begins in the run': { attributes: { local_window_size: integer(3) }, rotated: SIZE },
  'a wide window': { attributes: { local_window_size: integer(150) } },
  'a cap': { attributes: { softcap: float(2) } },
  'a cap and a window': { attributes: { softcap: float(2), local_window_size: integer(30) } },
  'a smooth softmax': { attributes: { smooth_softmax: integer(1) } },
  'a sink for each head': { inputs: { 11: HEADS } },
  'a sink and a window': { inputs: { 11: HEADS }, attributes: { local_window_size: integer(30) } },
};

describe('a split attention', () => {
  it.each(Object.keys(VARIANTS))('gives the tokens and logits of single steps: %s', async (name) => {
    const { model, document } = toDocument(VARIANTS[name] ?? {});
    const single = await answer(await open(model, document, 'single'));
    const split = await open(model, withDecodingLoop(document), 'split');
    expect(split.layout.takesParts).toBe(true);
    const { tokens, rows } = await answer(split);
    expect(new Set(tokens).size).toBeGreaterThan(10);
    expect(tokens).toEqual(single.tokens);
    expect(differenceOf(rows, single.rows)).toBeLessThan(1e-4);
  });

  it.each<[string, Variant]>([
    ['a bias', { inputs: { 10: 1 } }],
    ['a cache of float16', { cache: 'float16' }],
    ['an attribute that is not known', { attributes: { of_the_future: integer(1) } }],
    ['a cache whose length another node uses', { usesCacheElsewhere: true }],
  ])('leaves a graph in a loop alone: %s', (_name, variant) => {
    const { document } = toDocument(variant);
    const { graph } = withDecodingLoop(document);
    expect(graph.nodes.map(({ operator }) => operator)).toEqual(['Loop']);
    expect(graph.inputs.filter(({ name }) => name.startsWith('old_'))).toEqual([]);
  });

  it.each<[string, Variant]>([
    ['a cache of float16', { cache: 'float16' }],
    ['a cache whose length another node uses', { usesCacheElsewhere: true }],
  ])('takes a cache in one part where it stays, as graphs of earlier versions do: %s', async (_name, variant) => {
    const { model, document } = toDocument(variant);
    const single = await answer(await open(model, document, 'single'));
    const loop = await open(model, withDecodingLoop(document), 'loop');
    expect([loop.layout.takesSteps, loop.layout.takesParts]).toEqual([true, false]);
    expect((await answer(loop)).tokens).toEqual(single.tokens);
  });
});
