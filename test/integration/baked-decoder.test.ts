import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cutToLastPosition } from '../../src/authoring/cut-to-last-position.ts';
import { bakeGraph } from '../../src/engine/bake.ts';
import { createSession, type Session } from '../../src/engine/session.ts';
import { emptyCache } from '../../src/generation/causal/cache.ts';
import { ONE_STEP } from '../../src/generation/causal/draft.ts';
import { generateTokens } from '../../src/generation/causal/generate.ts';
import { type DecoderLayout, readLayout } from '../../src/generation/causal/layout.ts';
import { readInt4 } from '../support/parity/int4.ts';

/** The distance of the likeliest token to the second from which it is sure, as in test/support/parity/text-generation.ts. */
const MARGIN = 0.003;

let folder: string;
let graph: Session;
let layout: DecoderLayout;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baked-decoder-'));
  const path = join(folder, 'model.onnx');
  await bakeGraph('test/fixtures/models/tiny-llama-int4/model.onnx', path);
  expect(await cutToLastPosition(path, 'logits')).toEqual({ rounds: true });
  graph = await createSession(path, 1769);
  layout = readLayout(graph.signature, { heads: 2, size: 16 });
});
afterAll(async () => {
  await graph.release();
  await rm(folder, { recursive: true });
});

const generate = async (prompt: readonly number[], maxNewTokens: number): Promise<number[]> => {
  const ids: number[] = [];
  for await (const { id } of generateTokens({
    ...{ graph, layout, prompt, cache: emptyCache(layout), maxNewTokens, processors: [] },
    ...{ sampling: ONE_STEP.sampling, eosTokenIds: [2], random: () => 0 },
  }))
    ids.push(id);
  return ids;
};

describe('a baked decoder of int4 weights', () => {
  it('takes its cache in two parts, and gives the tokens of onnxruntime-genai', async () => {
    expect([layout.takesSteps, layout.takesParts]).toEqual([true, true]);
    const { reference } = await readInt4();
    const sure = reference.flatMap(({ input_ids, ids, margin }) =>
      margin > MARGIN && typeof input_ids !== 'number' ? [{ input_ids, ids }] : [],
    );
    expect(sure.length).toBeGreaterThan(20);
    // Texts of 64 tokens and more are split.
    expect(sure.filter(({ input_ids, ids }) => input_ids.length + ids.length > 64).length).toBeGreaterThan(0);
    for (const { input_ids, ids } of sure) expect(await generate(input_ids, ids.length)).toEqual(ids);
  });
});
