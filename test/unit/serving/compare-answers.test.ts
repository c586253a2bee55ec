import { describe, expect, it } from '@jest/globals';
import { type Answer, jsonAnswer } from '../../../src/core/answer.ts';
import type { Tensor, Tensors } from '../../../src/core/tensor.ts';
import { compareAnswers } from '../../../src/serving/compare-answers.ts';

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
    ['numbers', [1], [1.5], { changed: false, distance: 0.5 }],
    ['a number and NaN', [1, Number.NaN], [1, 0.5], { changed: true, distance: 0 }],
    ['a number and an infinity', [1, 0.5], [1.5, Number.POSITIVE_INFINITY], { changed: true, distance: 0.5 }],
    [
      'scores that are NaN',
      labels(0.9, Number.NaN),
      labels(0.8, 0.1),
      { changed: true, distance: expect.closeTo(0.1) },
    ],
    ['nothing and something', null, { a: 1 }, { changed: true, distance: 0 }],
  ])('are compared: %s', (_what, answer, shadow, expected) => {
    expect(compareAnswers(jsonAnswer(answer), jsonAnswer(shadow))).toEqual(expected);
  });
});

describe('tensors of a task and of its shadow', () => {
  const answer = (outputs: Tensors): Answer => ({ kind: 'tensors', id: undefined, outputs, binary: new Set() });
  const float = (...data: number[]): Tensor => ({
    dtype: 'float32',
    shape: [data.length],
    data: Float32Array.from(data),
  });
  const integer = (...data: number[]): Tensor => ({
    dtype: 'int32',
    shape: [data.length],
    data: Int32Array.from(data),
  });

  it.each([
    ['floats by their distance', { y: float(1, 2) }, { y: float(1, 2.5) }, { changed: false, distance: 0.5 }],
    ['NaN as equal to NaN', { y: float(Number.NaN) }, { y: float(Number.NaN) }, { changed: false, distance: 0 }],
    [
      'NaN in place of a float as changed',
      { y: float(1, 2) },
      { y: float(Number.NaN, 3) },
      { changed: true, distance: 1 },
    ],
    ['integers as equal or changed', { y: integer(1) }, { y: integer(3) }, { changed: true, distance: 0 }],
    ['other shapes as changed', { y: float(1) }, { y: float(1, 2) }, { changed: true, distance: 0 }],
    ['other types as changed', { y: float(1) }, { y: integer(1) }, { changed: true, distance: 0 }],
    ['further outputs as changed', { y: float(1) }, { y: float(1), z: float(1) }, { changed: true, distance: 0 }],
  ])('are compared: %s', (_what, one, other, expected) => {
    expect(compareAnswers(answer(one), answer(other))).toEqual(expected);
  });
});

describe('bytes of a task and of its shadow', () => {
  it('are equal or changed', () => {
    const answer = (...bytes: number[]): Answer => ({
      kind: 'bytes',
      data: Uint8Array.from(bytes),
      contentType: 'image/png',
    });
    expect(compareAnswers(answer(1, 2), answer(1, 2))).toEqual({ changed: false, distance: 0 });
    expect(compareAnswers(answer(1, 2), answer(1, 3))).toEqual({ changed: true, distance: 0 });
    expect(compareAnswers(answer(1, 2), jsonAnswer([1, 2]))).toEqual({ changed: true, distance: 0 });
  });
});
