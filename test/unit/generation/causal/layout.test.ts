import { describe, expect, it } from '@jest/globals';
import type { TensorSpec } from '../../../../src/core/tensor.ts';
import { readLayout } from '../../../../src/generation/causal/layout.ts';

const cache = (
  name: string,
  shape: TensorSpec['shape'] = ['b', 2, 'p', 8],
  dtype: TensorSpec['dtype'] = 'float32',
) => ({
  name,
  dtype,
  shape,
});
const ids: TensorSpec = { name: 'input_ids', dtype: 'int64', shape: ['b', 's'] };
const logits: TensorSpec = { name: 'logits', dtype: 'float32', shape: ['b', 's', 100] };
const layer = (prefix: string, ...rest: [TensorSpec['shape']?, TensorSpec['dtype']?]) => [
  cache(`${prefix}.0.key`, ...rest),
  cache(`${prefix}.0.value`, ...rest),
];
const signature = (inputs: readonly TensorSpec[], outputs: readonly TensorSpec[] = [logits, ...layer('present')]) => ({
  inputs: [ids, ...inputs],
  outputs,
});

describe('the layout of a decoder', () => {
  it('counts the bytes of a token in all caches', () => {
    expect(readLayout(signature(layer('past_key_values')))).toMatchObject({
      bytesPerToken: 2 * 2 * 8 * 4,
      vocabulary: 100,
    });
    const half = [['b', 2, 'p', 8], 'float16'] as const;
    expect(readLayout(signature(layer('past_key_values', ...half))).bytesPerToken).toBe(2 * 2 * 8 * 2);
  });

  it('takes sizes that the graph leaves open from the settings', () => {
    const open = signature(layer('past_key_values', ['b', 'heads', 'p', 'size']));
    expect(readLayout(open, { heads: 3, size: 64 }).bytesPerToken).toBe(2 * 3 * 64 * 4);
    expect(() => readLayout(open)).toThrow(/neither config.json nor genai_config.json gives/);
  });

  it.each([
    ['a graph without a cache', signature([]), /no input past_key_values.*text-generation-with-past/],
    [
      'a state of a state-space model',
      signature([...layer('past_key_values'), cache('past_ssm.0', ['b', 8, 4])]),
      /"past_ssm.0" float32\[b,8,4\], a state of another kind/,
    ],
    [
      'a state of a convolution',
      signature([cache('conv_states.1', ['b', 8, 4])]),
      /"conv_states.1".*state of another kind/,
    ],
    [
      'keys and values in one',
      signature([cache('past_key_values.0.key_value', ['b', 'p', 16])]),
      /past_key_values.0.key_value.*another kind/,
    ],
    [
      'a cache of integers',
      signature(layer('past_key_values', ['b', 2, 'p', 8], 'int8')),
      /served are caches float32 or float16/,
    ],
    [
      'an input that nobody knows',
      signature([...layer('past_key_values'), { ...ids, name: 'pixels' }]),
      /takes "pixels".*not served/,
    ],
    ['no present', signature(layer('past_key_values'), [logits]), /does not give "present.0.key" back/],
    ['no logits', signature(layer('past_key_values'), layer('present')), /"logits" is missing/],
  ])('refuses %s', (_name, wrong, message) => {
    expect(() => readLayout(wrong)).toThrow(message);
  });
});
