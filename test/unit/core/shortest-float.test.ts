import { describe, expect, it } from '@jest/globals';
import { shortestDouble, shortestDoubles, shortestTexts } from '../../../src/core/shortest-float.ts';

const textsOf = (values: readonly number[]): string[] => Array.from(shortestDoubles(Float32Array.from(values)), String);

/** Float32 numbers of every exponent, both signs and any digits. */
const everyExponent = (): Float32Array => {
  const bits = new Uint32Array(256 * 400);
  let state = 1;
  for (let index = 0; index < bits.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bits[index] = ((index % 256) << 23) | (state >>> 9) | ((index & 1) << 31);
  }
  return new Float32Array(bits.buffer);
};

describe('the shortest text of a float32', () => {
  it('is the text that people wrote', () => {
    const texts = [
      '0.1',
      '-0.3333',
      '3.14159',
      '16777216',
      '0.000123',
      '0.000986',
      '0.001001',
      '9.47135e-7',
      '1.1754944e-38',
      '3.4028235e+38',
      '1e-45',
      '1.5',
      '65504',
    ];
    expect(textsOf(texts.map(Number))).toEqual(texts);
    expect(texts.map((text) => String(shortestDouble(Math.fround(Number(text)))))).toEqual(texts);
  });

  it('keeps values that are not finite, and the sign of zero', () => {
    const [nan, infinity, zero] = shortestDoubles(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, -0));
    expect([nan, infinity, Object.is(zero, -0)]).toEqual([Number.NaN, Number.NEGATIVE_INFINITY, true]);
  });

  it('gives the same float32 for numbers of every exponent', () => {
    const values = everyExponent().filter(Number.isFinite);
    expect(values.length).toBeGreaterThan(100_000);
    const read = Float32Array.from(shortestDoubles(values), (double) => Number(String(double)));
    expect(values.findIndex((value, index) => !Object.is(value, read[index]))).toBe(-1);
  });

  it('takes a view that begins anywhere in its memory', () => {
    expect([...shortestDoubles(new Float32Array(Float32Array.of(9, 0.1, 0.2).buffer, 4, 2))]).toEqual([0.1, 0.2]);
  });

  it('is what JavaScript writes for the numbers, except for the sign of zero', () => {
    const round = [0.5, 0.25, 100, 1e9, 1e20, 1e21, 1e-6, 9.999999e-7, 123456.7, 8388607.5, 16777217, 0.1, 7];
    const [fractions, integers] = [round.map((value) => value / 3), round.map(Math.round)];
    const values = Float32Array.from([...round, ...fractions, ...integers, ...everyExponent()]);
    const expected = JSON.stringify(Array.from(shortestDoubles(values)))
      .slice(1, -1)
      .split(',');
    const others = shortestTexts(values)
      .split(',')
      .filter((text, index) => text !== expected[index]);
    expect(others).toEqual([]);
    expect(shortestTexts(Float32Array.of(-0, 0, -1.5))).toBe('-0,0,-1.5');
    expect(shortestTexts(new Float32Array(0))).toBe('');
  });

  it('is written in blocks', () => {
    for (const length of [4095, 4096, 4097, 8192]) {
      const values = Float32Array.from({ length }, (_, index) => index / 7);
      expect(JSON.parse(`[${shortestTexts(values)}]`).map(Math.fround)).toEqual([...values]);
    }
  });
});
