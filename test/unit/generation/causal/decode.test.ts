import { describe, expect, it } from '@jest/globals';
import type { Graph } from '../../../../src/core/graph.ts';
import { elementCount, type Signature, type TensorSpec, type Tensors, tensor } from '../../../../src/core/tensor.ts';
import { emptyCache } from '../../../../src/generation/causal/cache.ts';
import { decode, tokensPerRun } from '../../../../src/generation/causal/decode.ts';
import { readLayout } from '../../../../src/generation/causal/layout.ts';

const integers = (name: string, dtype: 'int64' | 'int32' = 'int64'): TensorSpec => ({ name, dtype, shape: ['b', 's'] });
const cached = (name: string): TensorSpec => ({ name, dtype: 'float16', shape: ['b', 1, 'p', 2] });

/** A decoder that notes its feeds; its logits float16[1,T,vocabulary] count from 0. */
const createDecoder = (others: readonly TensorSpec[], vocabulary = 4) => {
  const signature: Signature = {
    inputs: [integers('input_ids'), ...others, cached('past_key_values.0.key'), cached('past_key_values.0.value')],
    outputs: [
      { name: 'logits', dtype: 'float16', shape: ['b', 's', vocabulary] },
      cached('present.0.key'),
      cached('present.0.value'),
    ],
  };
  const runs: { readonly feeds: Tensors; readonly outputNames: readonly string[] | undefined }[] = [];
  const graph: Graph = {
    signature,
    async run(feeds, outputNames) {
      runs.push({ feeds, outputNames });
      const tokens = feeds.input_ids?.shape[1] ?? 0;
      const length = tokens + (feeds['past_key_values.0.key']?.shape[2] ?? 0);
      const present = () => tensor('float16', [1, 1, length, 2], new Uint16Array(length * 2));
      const bits = new Uint16Array(tokens * vocabulary).map((_, index) => 0x3c00 + (index % 1024)); // from 1 on
      return {
        logits: tensor('float16', [1, tokens, vocabulary], bits),
        'present.0.key': present(),
        'present.0.value': present(),
      };
    },
  };
  const layout = readLayout(signature);
  return { graph, layout, runs };
};

const fed = ({ shape, data }: Tensors[string]) => [shape, Array.from(data, Number)];

describe('a decoder', () => {
  it('gets the inputs that its graph takes, in their data types', async () => {
    const keep: TensorSpec = { name: 'num_logits_to_keep', dtype: 'int64', shape: [] };
    const { graph, layout, runs } = createDecoder([
      integers('attention_mask'),
      integers('position_ids', 'int32'),
      keep,
    ]);
    const first = await decode(graph, layout, emptyCache(layout), [7, 8, 9]);
    await decode(graph, layout, first.cache, [10]);
    const [prompt, step] = runs.map(({ feeds }) =>
      Object.fromEntries(Object.entries(feeds).map(([name, own]) => [name, fed(own)])),
    );
    expect(prompt).toMatchObject({
      input_ids: [
        [1, 3],
        [7, 8, 9],
      ],
      attention_mask: [
        [1, 3],
        [1, 1, 1],
      ],
      position_ids: [
        [1, 3],
        [0, 1, 2],
      ],
      num_logits_to_keep: [[], [1]],
      'past_key_values.0.key': [[1, 1, 0, 2], []],
    });
    expect(step).toMatchObject({
      input_ids: [[1, 1], [10]],
      attention_mask: [
        [1, 4],
        [1, 1, 1, 1],
      ],
      position_ids: [[1, 1], [3]],
    });
    expect(runs[1]?.feeds['past_key_values.0.key']?.shape).toEqual([1, 1, 3, 2]);
    expect(runs[0]?.feeds.position_ids?.dtype).toBe('int32');
  });

  it('gives the logits of the last position in float32', async () => {
    const { graph, layout } = createDecoder([]);
    const { logits, drafts } = await decode(graph, layout, emptyCache(layout), [1, 2]);
    expect(drafts).toEqual([]);
    expect(logits.flatMap((each) => [...each])).toEqual([4, 5, 6, 7].map((step) => 1 + step / 1024));
  });

  it('takes a long text in parts, and asks for logits once', async () => {
    const { graph, layout, runs } = createDecoder([], 300_000);
    const size = tokensPerRun(layout);
    expect(size).toBe(55); // 64 MB of logits
    const ids = Array.from({ length: 2 * size + 5 }, (_, index) => index);
    const { cache } = await decode(graph, layout, emptyCache(layout), ids);
    expect(cache.length).toBe(ids.length);
    expect(runs.map(({ feeds }) => feeds.input_ids?.shape[1])).toEqual([size, size, 5]);
    expect(runs.map(({ outputNames }) => outputNames?.includes('logits'))).toEqual([false, false, true]);
    expect(runs.map(({ feeds }) => elementCount(feeds['past_key_values.0.value']?.shape ?? []) / 2)).toEqual([
      0,
      size,
      2 * size,
    ]);
  });

  it('takes the branch without a cache for a whole text, and the other one from then on', async () => {
    const branch: TensorSpec = { name: 'use_cache_branch', dtype: 'bool', shape: [1] };
    const { graph, layout, runs } = createDecoder([branch], 300_000);
    const ids = Array.from({ length: 100 }, (_, index) => index);
    const { cache } = await decode(graph, layout, emptyCache(layout), ids);
    await decode(graph, layout, cache, [1]);
    expect(runs.map(({ feeds }) => [...(feeds.use_cache_branch?.data ?? [])])).toEqual([[0], [1]]);
  });
});
