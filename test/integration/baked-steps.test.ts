import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Baked } from '../../src/authoring/bake.ts';
import type { RecordedRun } from '../../src/authoring/recorded-runs.ts';
import { openGraph } from '../../src/engine/open-graphs.ts';
import { emptyCache } from '../../src/generation/causal/cache.ts';
import { decode } from '../../src/generation/causal/decode.ts';
import { readLayout } from '../../src/generation/causal/layout.ts';
import { toPieces } from '../../src/onnx/chunks.ts';
import { type GraphDocument, readGraph, writeGraph } from '../../src/onnx/graph-document.ts';
import { float, integer, isGraph, type OnnxGraph, type OnnxNode } from '../../src/onnx/node.ts';
import { SIZE, toDocument, type Variant, VOCABULARY } from '../support/attention-decoder.ts';

type Change = (node: OnnxNode) => OnnxNode;
let change: Change = (node) => node;

/** The graph with its nodes changed, those of graphs within nodes included. */
const changed = (graph: OnnxGraph): OnnxGraph => ({
  ...graph,
  nodes: graph.nodes.map((node) => {
    const attributes = Object.entries(node.attributes).map(([name, attribute]) =>
      attribute.type === 'graph' && isGraph(attribute.value)
        ? ([name, { type: 'graph', value: changed(attribute.value) }] as const)
        : ([name, attribute] as const),
    );
    return change({ ...node, attributes: Object.fromEntries(attributes) });
  }),
});

const { withDecodingLoop } = await import('../../src/authoring/decoding-loop.ts');
jest.unstable_mockModule('../../src/authoring/decoding-loop.ts', () => ({
  withDecodingLoop: (document: GraphDocument): GraphDocument => {
    const { graph, opsets } = withDecodingLoop(document);
    return { graph: changed(graph), opsets };
  },
}));
const { bake } = await import('../../src/authoring/bake.ts');
const { recordRuns } = await import('../../src/authoring/recorded-runs.ts');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'baked-steps-'));
});
afterAll(() => rm(root, { recursive: true }));

const PROMPT = Array.from({ length: 200 }, (_, index) => (index * 29) % VOCABULARY);

/** Bakes a decoder of one attention, after a run of a prompt as a push makes it. */
const bakeVariant = async (variant: Variant): Promise<Baked> => {
  const folder = await mkdtemp(join(root, 'model-'));
  const { model } = toDocument(variant);
  await writeFile(join(folder, 'model.onnx'), toPieces(writeGraph(model, readGraph(model))));
  const { session } = await openGraph(join(folder, 'model.onnx'), 1_769);
  const runs: RecordedRun[] = [];
  const layout = readLayout(session.signature);
  await decode(recordRuns(session, runs), layout, emptyCache(layout), PROMPT);
  await session.release();
  const graph = {
    file: 'model.onnx',
    externalData: [],
    signature: structuredClone(session.signature) as never,
    createMs: 1,
  };
  await mkdir(join(folder, 'scratch'));
  return bake('model', graph, runs, (path) => join(folder, path), join(folder, 'scratch'), {
    ...{ leastBytes: 0, lastPositionOf: 'logits' },
  });
};

const isSplit = ({ outputs }: OnnxNode): boolean => outputs[0]?.startsWith('split.') === true;
const swapped = (node: OnnxNode, from: string, to: string): OnnxNode => ({
  ...node,
  inputs: node.inputs.map((input) => (input.includes(from) ? input.replace(from, to) : input)),
});

const ROTATED: Variant = { rotated: SIZE };
const WINDOW: Variant = { attributes: { local_window_size: integer(30) } };

describe('several steps in one run', () => {
  it.each<[string, Variant]>([
    ['all tokens', ROTATED],
    ['a window', WINDOW],
  ])('are baked where they are right, with %s', async (_what, variant) => {
    change = (node) => node;
    const baked = await bakeVariant(variant);
    expect('graph' in baked && baked.graph.signature.inputs.map(({ name }) => name)).toContain('old_key_values.0.key');
  });

  it.each<[string, Variant, Change]>([
    [
      'another scale',
      ROTATED,
      (node) =>
        node.operator === 'FusedMatMul' && isSplit(node)
          ? { ...node, attributes: { ...node.attributes, alpha: float(0.2) } }
          : node,
    ],
    [
      'old keys in the place of old values',
      ROTATED,
      (node) =>
        node.operator === 'MatMul' && isSplit(node)
          ? swapped(node, 'old_key_values.0.value', 'old_key_values.0.key')
          : node,
    ],
    [
      'a position that is one too small',
      ROTATED,
      (node) =>
        node.outputs[0]?.startsWith('split.position')
          ? { ...node, operator: 'Identity', inputs: ['split.1'], attributes: {} }
          : node,
    ],
    [
      'a window that is not kept',
      WINDOW,
      (node) => (node.operator === 'Where' && isSplit(node) ? swapped(node, 'split.hidden', 'split.seen') : node),
    ],
    [
      'a window of one token less',
      WINDOW,
      (node) => (node.operator === 'Less' && isSplit(node) ? { ...node, operator: 'LessOrEqual' } : node),
    ],
  ])('leave the graph as it is, with the reason: %s', async (_what, variant, wrong) => {
    change = wrong;
    expect(await bakeVariant(variant)).toEqual({
      reason: expect.stringMatching(/several steps in one run would change its logits by/),
    });
  });

  it('leave the graph as it is where they draft other tokens', async () => {
    change = (node) =>
      node.outputs[0] === 'draft.best' ? { ...node, attributes: { ...node.attributes, largest: integer(0) } } : node;
    expect(await bakeVariant(ROTATED)).toEqual({
      reason: expect.stringMatching(/^16 steps of a run would draft a token that is not the likeliest$/),
    });
  });
});
