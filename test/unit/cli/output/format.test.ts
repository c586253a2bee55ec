import { describe, expect, it } from '@jest/globals';
import { formatDate, formatFields, formatTable } from '../../../../cli/output/format.ts';
import { formatSpecs } from '../../../../cli/output/format-graphs.ts';
import { formatBytes } from '../../../../src/core/format-bytes.ts';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_960, '1.0 MB'],
    [9_334_446, '9.3 MB'],
    [5_000_000_000, '5.0 GB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

it('a table has columns as wide as their widest cell', () => {
  expect(formatTable([['a', 'bb'], ['ccc', 'd'], ['e']])).toBe('a    bb\nccc  d\ne');
});

it('fields with several values have a line for each', () => {
  expect(formatFields({ task: 'tensor', inputs: ['a', 'b'], none: [] })).toBe(
    '  task    tensor\n  inputs  a\n          b',
  );
});

it('a date is short', () => {
  expect(formatDate('2026-11-23T12:39:01.156Z')).toBe('2026-11-23 12:39');
});

it('tensors that only a number tells apart stand on one line', () => {
  const cache = (layer: number, width: number) => ({
    ...{ name: `past_key_values.${layer}.key`, dtype: 'float32' as const },
    shape: ['batch', width],
  });
  const ids = { name: 'input_ids2', dtype: 'int64' as const, shape: ['batch'] };

  expect(formatSpecs([ids, cache(0, 8), cache(1, 8), cache(2, 4)])).toEqual([
    'input_ids2 int64[batch]',
    'past_key_values.*.key float32[batch,8] (2)',
    'past_key_values.2.key float32[batch,4]',
  ]);
});
