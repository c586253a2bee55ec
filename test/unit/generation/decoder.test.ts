import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Signature, Tensor, Tensors } from '../../../src/core/tensor.ts';
import { createDecoder, type Decoder } from '../../../src/generation/decoder.ts';

/** A decoder of which the cache of each row holds the tokens that it was fed, and the logits too. */
const signature: Signature = {
  inputs: [
    { name: 'input_ids', dtype: 'int64', shape: ['rows', 'tokens'] },
    { name: 'encoder_hidden_states', dtype: 'float32', shape: ['rows', 'source', 1] },
    { name: 'past_key_values.0.decoder.value', dtype: 'float32', shape: ['rows', 1, 'past', 1] },
    { name: 'past_key_values.0.encoder.value', dtype: 'float32', shape: ['rows', 1, 'source', 1] },
    { name: 'use_cache_branch', dtype: 'bool', shape: [1] },
  ],
  outputs: [],
};

let decoder: Decoder;
let states: Float32Array;
let runs: Tensors[];

const run = async (feeds: Tensors): Promise<Tensors> => {
  runs.push(feeds);
  const tokens = feeds.input_ids as Tensor<'int64'>;
  const past = feeds['past_key_values.0.decoder.value'] as Tensor<'float32'>;
  const [rows = 0] = tokens.shape;
  const length = past.shape[2] ?? 0;
  const fed = Array.from({ length: rows }, (_, row) => [
    ...past.data.subarray(row * length, (row + 1) * length),
    Number(tokens.data[row]),
  ]);
  const data = Float32Array.from(fed.flat());
  const isFirst = feeds.use_cache_branch?.data[0] === 0;
  const source = isFirst ? feeds.encoder_hidden_states : feeds['past_key_values.0.encoder.value'];
  return {
    logits: { dtype: 'float32', shape: [rows, 1, length + 1], data: Float32Array.from(data) },
    'present.0.decoder.value': { dtype: 'float32', shape: [rows, 1, length + 1, 1], data },
    'present.0.encoder.value': {
      ...{ dtype: 'float32', shape: [rows, 1, 1, 1] },
      data: Float32Array.from(source?.data as Float32Array),
    },
  };
};

/** What each row has been fed. */
const feed = async (...tokens: number[]): Promise<number[][]> =>
  (await decoder.step(tokens.map((token) => [token]))).map((row) => [...row]);
const dataOf = (name: string): unknown[] => [...((runs.at(-1)?.[name]?.data ?? []) as Float32Array)];
const sources = (): unknown[] => dataOf('past_key_values.0.encoder.value');

beforeEach(async () => {
  runs = [];
  states = Float32Array.of(10, 20, 30);
  const hiddenStates: Tensor = { dtype: 'float32', shape: [3, 1, 1], data: states };
  decoder = createDecoder({ signature, run }, { hiddenStates });
  await feed(1, 2, 3);
});

describe('rows of a decoder', () => {
  it.each([
    ['stay', [0, 1, 2], [[1], [2], [3]], [10, 20, 30]],
    ['swap', [1, 0, 2], [[2], [1], [3]], [20, 10, 30]],
    ['turn round', [2, 0, 1], [[3], [1], [2]], [30, 10, 20]],
    ['are repeated', [0, 0, 0], [[1], [1], [1]], [10, 10, 10]],
    ['are repeated behind others', [1, 1, 0], [[2], [2], [1]], [20, 20, 10]],
    ['leave', [2], [[3]], [30]],
    ['become more', [0, 1, 2, 1, 1], [[1], [2], [3], [2], [2]], [10, 20, 30, 20, 20]],
  ])('%s with all that they hold', async (_what, selected, expected, inputs) => {
    decoder.select(selected);
    const fed = await feed(...selected.map(() => 9));
    expect(fed).toEqual(expected.map((ids) => [...ids, 9]));
    expect(sources()).toEqual(inputs);
    expect(dataOf('encoder_hidden_states')).toEqual(inputs);
  });

  it('follow each other through several changes', async () => {
    decoder.select([0, 0, 1, 1]);
    await feed(4, 5, 6, 7);
    decoder.select([1, 0, 3, 3]);
    await feed(8, 8, 8, 9);
    decoder.select([3, 0]);
    expect(await feed(0, 0)).toEqual([
      [2, 7, 9, 0],
      [1, 5, 8, 0],
    ]);
    expect(sources()).toEqual([20, 10]);
  });

  it("leave the encoder's own tensor alone", async () => {
    decoder.select([2, 1, 0]);
    await feed(1, 1, 1);
    expect([...states]).toEqual([10, 20, 30]);
  });
});
