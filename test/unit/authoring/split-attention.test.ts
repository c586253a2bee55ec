import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { withDecodingLoop } from '../../../src/authoring/decoding-loop.ts';
import { createRandom } from '../../../src/core/random.ts';
import { createSession, type Session } from '../../../src/engine/session.ts';
import { emptyCache } from '../../../src/generation/causal/cache.ts';
import { generateTokens } from '../../../src/generation/causal/generate.ts';
import { readLayout } from '../../../src/generation/causal/layout.ts';
import type { Sampling } from '../../../src/generation/causal/sampling.ts';
import { toPieces } from '../../../src/onnx/chunks.ts';
import { type GraphDocument, writeGraph } from '../../../src/onnx/graph-document.ts';
import { float, integer } from '../../../src/onnx/node.ts';
import type { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { HEADS, SIZE, toDocument, type Variant, VOCABULARY } from '../../support/attention-decoder.ts';

const folder = await mkdtemp(join(tmpdir(), 'split-attention-'));
const opened: Session[] = [];
afterAll(async () => {
  await Promise.all(opened.map((session) => session.release()));
  await rm(folder, { recursive: true });
});

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
