import { describe, expect, it } from '@jest/globals';
import { shortestDoubles } from '../../../src/core/shortest-float.ts';

const textsOf = (values: readonly number[]): string[] => Array.from(shortestDoubles(Float32Array.from(values)), String);

describe('the shortest text of a float32', () => {
  it('is the text that people wrote', () => {
    const texts = [
      '0.1',
      '-0.3333',
      '3.14159',
      '16777216',
      '0.000123',
      '1.1754944e-38',
      '3.4028235e+38',
      '1e-45',
      '1.5',
      '65504',
    ];
    expect(textsOf(texts.map(Number))).toEqual(texts);
  });

  it('keeps values that are not finite, and the sign of zero', () => {
    const [nan, infinity, zero] = shortestDoubles(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, -0));
    expect([nan, infinity, Object.is(zero, -0)]).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, true]);
  });

  it('gives the same float32 for numbers of every exponent', () => {
    const bits = new Uint32Array(256 * 400);
    let state = 1;
    for (let index = 0; index < bits.length; index += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      bits[index] = ((index % 256) << 23) | (state >>> 9) | ((index & 1) << 31);
    }
    const values = new Float32Array(bits.buffer).filter(Number.isFinite);
    expect(values.length).toBeGreaterThan(100_000);
    const read = Float32Array.from(shortestDoubles(values), (double) => Number(String(double)));
    expect(values.findIndex((value, index) => !Object.is(value, read[index]))).toBe(-1);
  });

  it('takes a view that begins anywhere in its memory', () => {
    expect([...shortestDoubles(new Float32Array(Float32Array.of(9, 0.1, 0.2).buffer, 4, 2))]).toEqual([0.1, 0.2]);
  });
});
