import { describe, expect, it } from '@jest/globals';
import { Truncated } from '../../../src/core/truncated.ts';
import { compareResults } from '../../../src/serving/shadow.ts';

const labels = (...scores: number[]) => scores.map((score, index) => ({ label: `label ${index}`, score }));

describe('answers of a task and of its shadow', () => {
  it.each([
    ['vectors', [[0.5, 1]], [[0.5, 1.25]], { changed: false, distance: 0.25 }],
    ['lists of labels', [labels(0.9, 0.1)], [labels(0.7, 0.3)], { changed: false, distance: expect.closeTo(0.2) }],
    [
      'another first label',
      labels(0.9, 0.1),
      labels(0.1, 0.9).reverse(),
      { changed: true, distance: expect.closeTo(0.8) },
    ],
    ['texts', [{ translation_text: 'a' }], [{ translation_text: 'b' }], { changed: true, distance: 0 }],
    [
      'boxes',
      [{ label: 'cat', score: 0.5, box: { xmin: 1 } }],
      [{ label: 'cat', score: 0.5, box: { xmin: 4 } }],
      { changed: false, distance: 3 },
    ],
    ['lists of different length', [1, 2], [1], { changed: true, distance: 0 }],
    ['cut inputs', new Truncated([1], [0]), new Truncated([1.5], [0]), { changed: false, distance: 0.5 }],
    ['nothing and something', null, { a: 1 }, { changed: true, distance: 0 }],
  ])('are compared: %s', (_what, answer, shadow, expected) => {
    expect(compareResults(answer, shadow)).toEqual(expected);
  });
});
