import { expect, it } from '@jest/globals';
import { formatLambdaMb } from '../../../src/core/format-bytes.ts';

it.each([
  [1024 * 1024, '1.0 MB'],
  [9.96 * 1024 * 1024, '10.0 MB'],
  [10 * 1024 * 1024, '10 MB'],
  [1769 * 1024 * 1024, '1769 MB'],
])('%i bytes are shown as Lambda counts them, as %s', (bytes, text) => {
  expect(formatLambdaMb(bytes)).toBe(text);
});
