import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { withDecodingLoop } from '../../../src/authoring/decoding-loop.ts';
import { argMax } from '../../../src/core/arg-max.ts';
import { createSession, type Session } from '../../../src/engine/session.ts';
import { emptyCache } from '../../../src/generation/causal/cache.ts';
import { decode } from '../../../src/generation/causal/decode.ts';
import { type Draft, ONE_STEP } from '../../../src/generation/causal/draft.ts';
import { readLayout } from '../../../src/generation/causal/layout.ts';
import { candidatesOf, draw, type Sampling } from '../../../src/generation/causal/sampling.ts';
import { toPieces } from '../../../src/onnx/chunks.ts';
import { singles } from '../../../src/onnx/graph-builder.ts';
import { type GraphDocument, readGraph, writeGraph } from '../../../src/onnx/graph-document.ts';
import { withLastPosition } from '../../../src/onnx/last-position.ts';
import { createNode, integer } from '../../../src/onnx/node.ts';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { encodeValueInfo, weightsOf } from '../../../src/onnx/tensor-proto.ts';
import { writeDecoderModel } from '../../bench/decoder-model.ts';

const folder = await mkdtemp(join(tmpdir(), 'decoding-loop-'));
const opened: Session[] = [];
afterAll(async () => {
  await Promise.all(opened.map((session) => session.release()));
  await rm(folder, { recursive: true });
});

await writeDecoderModel(folder, { layers: 2, vocabulary: 400 });
const model = parseOnnxModel(await readFile(join(folder, 'model.onnx')));
const whole = readGraph(model);
const last: GraphDocument = { ...whole, graph: withLastPosition(whole.graph, 'logits') };

/** `last` with positions that change its embeddings. */
const withPositions = ({ graph, opsets }: GraphDocument, dtype: 'int64' | 'int32'): GraphDocument => {
  const embed = graph.nodes.find(({ inputs }) => inputs[1] === 'input_ids');
  const [own = ''] = embed?.outputs ?? [];
  const extra = [
    weightsOf('p.scale', singles([], [0.01])),
    weightsOf('p.axis', { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n) }),
  ];
  const added = [
    createNode('Cast', ['position_ids'], ['p.number'], { to: integer(1) }),
    createNode('Unsqueeze', ['p.number', 'p.axis'], ['p.column']),
    createNode('Mul', ['p.column', 'p.scale'], ['p.scaled']),
    createNode('Add', [own, 'p.scaled'], ['p.embedded']),
  ];
  const use = (name: string): string => (name === own ? 'p.embedded' : name);
  return {
    opsets,
    graph: {
      ...graph,
      nodes: graph.nodes.flatMap((node) =>
        node === embed ? [node, ...added] : [{ ...node, inputs: node.inputs.map(use) }],
      ),
      weights: new Map([...graph.weights, ...extra.map((each) => [each.name, each] as const)]),
      inputs: [...graph.inputs, { name: 'position_ids', encoded: encodeValueInfo('position_ids', dtype, ['b', 's']) }],
    },
  };
};

const open = async (document: GraphDocument, name: string) => {
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, toPieces(writeGraph(model, document)));
  const session = await createSession(path, 1769);
  opened.push(session);
  return { session, layout: readLayout(session.signature) };
};

const PROMPT = [5, 60, 300, 7];
const STEPS = 6;
const UNIFORM = [0.1, 0.93, 0.5, 0.27, 0.71, 0.02];
const draftOf = (sampling: Sampling, lastTokens: readonly number[] = []): Draft => ({
  ...{ steps: STEPS, sampling, lastTokens, uniform: UNIFORM },
});
const choose = (logits: Float32Array, sampling: Sampling, step: number): number =>
  sampling.doSample ? draw(candidatesOf(logits, sampling), UNIFORM[step] ?? 0) : argMax(logits);

/** Steps one by one, each token chosen by the sampler. */
const stepByStep = async ({ session, layout }: Awaited<ReturnType<typeof open>>, sampling: Sampling) => {
  let [ids, cache] = [PROMPT, emptyCache(layout)];
  const rows: Float32Array[] = [];
  const tokens: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const decoded = await decode(session, layout, cache, ids);
    const [row = new Float32Array(0)] = decoded.logits;
    ({ cache } = decoded);
    rows.push(row);
    ids = [choose(row, sampling, step)];
    tokens.push(...ids);
  }
  return { rows, tokens, cache };
};

const GREEDY = ONE_STEP.sampling;
const SAMPLINGS: Record<string, Sampling> = {
  'the likeliest': GREEDY,
  'of the likeliest ten': { doSample: true, temperature: 0.7, topK: 10, topP: 1, minP: 0 },
  'of a nucleus': { doSample: true, temperature: 1.5, topK: 50, topP: 0.8, minP: 0 },
  'of a least part': { doSample: true, temperature: 1, topK: 40, topP: 0.99, minP: 0.3 },
};

describe('a decoder in a loop', () => {
  const variants = {
    plain: last,
    'positions int64': withPositions(last, 'int64'),
    'positions int32': withPositions(last, 'int32'),
  };
  const cases = Object.keys(variants).flatMap((variant) =>
    Object.keys(SAMPLINGS).map((sampling) => [variant, sampling] as const),
  );

  it.each(cases)('gives the logits and tokens of single steps: %s, tokens %s', async (variant, name) => {
    const document = variants[variant as keyof typeof variants];
    const sampling = SAMPLINGS[name] ?? GREEDY;
    const single = await stepByStep(await open(document, 'single'), sampling);
    const { session, layout } = await open(withDecodingLoop(document), 'loop');
    expect(layout.takesSteps).toBe(true);
    const { cache, logits, drafts } = await decode(session, layout, emptyCache(layout), PROMPT, draftOf(sampling));
    expect(drafts).toEqual(single.tokens);
    expect(logits).toEqual(single.rows);
    expect(cache.length).toBe(PROMPT.length + STEPS - 1);
    expect(cache).toEqual(single.cache);
    const one = await decode(session, layout, emptyCache(layout), PROMPT);
    expect([one.logits, one.cache.length]).toEqual([single.rows.slice(0, 1), PROMPT.length]);
  });

  it('ends behind a last token', async () => {
    const { tokens } = await stepByStep(await open(last, 'single'), GREEDY);
    const { session, layout } = await open(withDecodingLoop(last), 'loop');
    const lastTokens = [399, tokens[2] ?? 0];
    const { drafts, logits, cache } = await decode(
      session,
      layout,
      emptyCache(layout),
      PROMPT,
      draftOf(GREEDY, lastTokens),
    );
    const steps = tokens.findIndex((id) => lastTokens.includes(id)) + 1;
    expect([drafts, logits.length, cache.length]).toEqual([tokens.slice(0, steps), steps, PROMPT.length + steps - 1]);
  });

  it.each([
    ['one that computes logits of all positions', whole],
    ['one of old operators', { ...last, opsets: new Map([...last.opsets, ['', 12] as const]) }],
    [
      'one without its attention in one operator',
      {
        ...last,
        graph: { ...last.graph, nodes: last.graph.nodes.filter(({ operator }) => operator !== 'GroupQueryAttention') },
      },
    ],
    [
      'one with a graph within a node',
      {
        ...last,
        graph: {
          ...last.graph,
          nodes: [
            ...last.graph.nodes,
            createNode('If', ['c'], ['d'], { then_branch: { type: 'graph', value: last.graph } }),
          ],
        },
      },
    ],
  ])('stays as it is: %s', (_name, document: GraphDocument) => {
    expect(withDecodingLoop(document)).toBe(document);
  });
});
