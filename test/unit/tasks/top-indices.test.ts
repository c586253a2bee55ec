import { describe, expect, it } from '@jest/globals';
import { topIndices } from '../../../src/tasks/top-indices.ts';

const NONE: ReadonlySet<number> = new Set();

/** Numbers that look random, and are the same each time. */
const createRandom = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed / 2 ** 31;
};

const bySorting = (scores: Float32Array, count: number, excluded: ReadonlySet<number>): number[] =>
  [...scores.keys()]
    .filter((index) => !excluded.has(index) && scores[index] !== Number.NEGATIVE_INFINITY)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
    .slice(0, count);

describe('the highest scores', () => {
  it.each([1, 2, 3, 7, 10, 64, 999, 1000, 5000])('are the first %i of the sorted ones', (count) => {
    const random = createRandom(count);
    for (const levels of [2, 30, 1e6]) {
      const scores = Float32Array.from({ length: 1000 }, () => Math.floor(random() * levels) - 3);
      for (let index = 0; index < 50; index += 1) scores[Math.floor(random() * 1000)] = Number.NEGATIVE_INFINITY;
      const excluded = new Set(Array.from({ length: 100 }, () => Math.floor(random() * 1000)));
      expect(topIndices(scores, count, excluded)).toEqual(bySorting(scores, count, excluded));
    }
  });

  it.each<[string, number[]]>([
    ['ascending', [1, 2, 3, 4, 5, 6]],
    ['descending', [6, 5, 4, 3, 2, 1]],
    ['equal', [0, 0, 0, 0, 0, 0]],
    ['negative', [-3, -1, -2, -1, -5, -0.5]],
  ])('are found among %s ones', (_what, scores) => {
    const typed = Float32Array.from(scores);
    expect(topIndices(typed, 3, NONE)).toEqual(bySorting(typed, 3, NONE));
    expect(topIndices(typed, 9)).toEqual(bySorting(typed, 9, NONE));
  });

  it('are none when everything is excluded', () => {
    expect(topIndices(Float32Array.of(1, 2), 5, new Set([0, 1]))).toEqual([]);
  });

  it.each([2, 31, 32, 33])('are all of %i, but those that are ruled out', (length) => {
    const random = createRandom(length);
    const scores = Float32Array.from({ length }, () => Math.floor(random() * 9));
    scores[1] = Number.NEGATIVE_INFINITY;
    expect(topIndices(scores, 1_000)).toEqual(bySorting(scores, 1_000, NONE));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are refused when one is %d', (score) => {
    const scores = Float32Array.of(5, 4, 3, score, 2);
    for (const count of [2, 5])
      expect(() => topIndices(scores, count, NONE)).toThrow(
        expect.objectContaining({ code: 'INFERENCE_FAILED', message: expect.stringContaining('at 3') }),
      );
  });
});
