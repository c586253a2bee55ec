import { describe, expect, it } from '@jest/globals';
import type { Signature, Tensor } from '../../../../src/core/tensor.ts';
import { assertTextGraph, collateEncodings, fixedLength } from '../../../../src/media/text/collate.ts';
import { readTokenizer } from '../../../support/tokenizer-reference.ts';

const graph = (
  inputs: Readonly<Record<string, 'int64' | 'int32' | 'float32'>>,
  length: number | string = 'tokens',
): Signature => ({
  inputs: Object.entries(inputs).map(([name, dtype]) => ({ name, dtype, shape: ['batch', length] })),
  outputs: [],
});

const valuesOf = (tensor: Tensor | undefined): number[] => Array.from((tensor?.data ?? []) as Int32Array);

const BERT = graph({ input_ids: 'int64', attention_mask: 'int64', token_type_ids: 'int64' });

describe('feeds of encodings', () => {
  it('pads the shorter on the right, and attends to none of it', async () => {
    const tokenizer = await readTokenizer('bert-uncased');
    const encodings = [tokenizer.encode('a'), tokenizer.encode('a', { pair: 'b c' })];
    const [short, long] = encodings.map(({ ids }) => ids);
    expect(collateEncodings(encodings, BERT, tokenizer)).toEqual({
      input_ids: {
        dtype: 'int64',
        shape: [2, 6],
        data: BigInt64Array.from([...(short ?? []), 0, 0, 0, ...(long ?? [])], BigInt),
      },
      attention_mask: {
        dtype: 'int64',
        shape: [2, 6],
        data: BigInt64Array.from([1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1], BigInt),
      },
      token_type_ids: {
        dtype: 'int64',
        shape: [2, 6],
        data: BigInt64Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1], BigInt),
      },
    });
  });

  it('pads on the left where the tokenizer says so, with its own token', async () => {
    const tokenizer = await readTokenizer('llama');
    const [short, long] = [tokenizer.encode('x'), tokenizer.encode('x y z')];
    const missing = long.ids.length - short.ids.length;
    const feeds = collateEncodings([short, long], graph({ input_ids: 'int32', attention_mask: 'int32' }), tokenizer);
    expect(valuesOf(feeds.input_ids).slice(0, long.ids.length)).toEqual([
      ...new Array(missing).fill(tokenizer.padId),
      ...short.ids,
    ]);
    expect(valuesOf(feeds.attention_mask).slice(0, missing + 1)).toEqual([...new Array(missing).fill(0), 1]);
  });

  it('gives a graph of fixed length that length', async () => {
    const tokenizer = await readTokenizer('bert-uncased');
    const signature = graph({ input_ids: 'int64' }, 12);
    expect(fixedLength(signature)).toBe(12);
    expect(fixedLength(BERT)).toBeUndefined();
    expect(collateEncodings([tokenizer.encode('a')], signature, tokenizer).input_ids?.shape).toEqual([1, 12]);
  });

  it('gives a text without tokens one that nothing attends to', async () => {
    const tokenizer = await readTokenizer('gpt2');
    expect(collateEncodings([tokenizer.encode('')], BERT, tokenizer).attention_mask).toEqual({
      dtype: 'int64',
      shape: [1, 1],
      data: new BigInt64Array(1),
    });
  });
});

describe('a graph', () => {
  it.each([
    graph({ input_ids: 'int64', pixel_values: 'float32' }),
    graph({ input_ids: 'float32' }),
    graph({ attention_mask: 'int64' }),
  ])('is refused when it takes no tokens, or more than tokens', (signature) => {
    expect(() => assertTextGraph(signature)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  it('is taken with any of the inputs of text models', () => {
    expect(() => assertTextGraph(BERT)).not.toThrow();
    expect(() => assertTextGraph(graph({ input_ids: 'int32', position_ids: 'int32' }))).not.toThrow();
  });
});
