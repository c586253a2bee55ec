import { afterAll, describe, expect, it } from '@jest/globals';
import { createSession } from '../../../../src/engine/session.ts';
import { type Cache, emptyCache } from '../../../../src/generation/causal/cache.ts';
import { decode } from '../../../../src/generation/causal/decode.ts';
import { type GenerateOptions, generateTokens } from '../../../../src/generation/causal/generate.ts';
import { readLayout } from '../../../../src/generation/causal/layout.ts';

const session = await createSession('test/fixtures/models/tiny-llama/model.onnx', 1769);
afterAll(() => session.release());
const layout = readLayout(session.signature);

const OPTIONS: GenerateOptions = {
  ...{ graph: session, layout, prompt: [1, 40, 50, 60], cache: emptyCache(layout), maxNewTokens: 5, eosTokenIds: [] },
  ...{ sampling: { doSample: false, temperature: 1, topK: 0, topP: 1, minP: 0 }, processors: [], random: () => 0 },
};

const sizesOf = ({ tensors }: Cache): number[] => Object.values(tensors).map(({ data }) => data.length);

describe('generated tokens', () => {
  it('give back the cache that each run replaced, and never the one that they began with', async () => {
    const { cache } = await decode(session, layout, OPTIONS.cache, [1, 40, 50]);
    const before = sizesOf(cache);
    const caches: Cache[] = [];
    for await (const token of generateTokens({ ...OPTIONS, cache })) caches.push(token.cache);
    expect(caches.map(({ length }) => length)).toEqual([4, 5, 6, 7, 8]);
    expect(caches.map((each) => Math.max(...sizesOf(each)))).toEqual([0, 0, 0, 0, 2 * 8 * 8]);
    expect(sizesOf(cache)).toEqual(before);
  });

  it('leave the last cache as it is when no token may come next', async () => {
    const nothing = {
      mask: (logits: Float32Array) => logits.fill(Number.NEGATIVE_INFINITY),
      accept: () => {},
      isEnd: () => false,
    };
    let masks = 0;
    const constraint = { ...nothing, mask: (logits: Float32Array) => (masks++ > 1 ? nothing.mask(logits) : undefined) };
    const caches: Cache[] = [];
    const generate = async (): Promise<void> => {
      for await (const token of generateTokens({ ...OPTIONS, constraint })) caches.push(token.cache);
    };
    await expect(generate()).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringMatching(/no token may come/),
    });
    expect(caches.map((each) => Math.max(...sizesOf(each)))).toEqual([0, 2 * 5 * 8]);
  });

  it('tell a constraint every token that was chosen, and end where it ends', async () => {
    const accepted: number[] = [];
    const constraint = {
      mask: (logits: Float32Array) => {
        logits[7] = 1_000;
      },
      accept: (id: number) => accepted.push(id),
      isEnd: () => accepted.length === 3,
    };
    const ends: unknown[] = [];
    for await (const { id, end } of generateTokens({ ...OPTIONS, constraint })) ends.push([id, end]);
    expect(ends).toEqual([
      [7, undefined],
      [7, undefined],
      [7, 'eos_token'],
    ]);
    expect(accepted).toEqual([7, 7, 7]);
  });
});
