import { describe, expect, it } from '@jest/globals';
import type { Tensor } from '../../../../src/core/tensor.ts';
import type { Head } from '../../../../src/tasks/object-detection/detection.ts';
import { QUERY_HEADS } from '../../../../src/tasks/object-detection/query-head.ts';

const float32 = (shape: number[], data: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});
const source = { width: 100, height: 50 };
const detect = (name: string, logits: Tensor, boxes: Tensor, threshold = 0, classes = 2) =>
  (QUERY_HEADS[name] as Head).detect({ logits, pred_boxes: boxes }, { source } as never, classes, { threshold });

const BOXES = float32([1, 2, 4], [0.5, 0.5, 0.2, 0.4, 0.1, 0.9, 0.4, 0.4]);

describe('logits with a class for no object', () => {
  it('give each query its best class, and no box where there is no object', () => {
    const found = detect('Detr', float32([1, 2, 3], [0, 3, 0, 2, 0, 9]), BOXES, 0.5);

    expect(found).toEqual([
      { score: expect.closeTo(0.909, 3), label: 1, corners: [40, 15, 60, 35].map((side) => expect.closeTo(side, 4)) },
    ]);
  });

  it('give boxes that reach out of the image as the reference does', () => {
    const [, found] = detect('Yolos', float32([1, 2, 3], [0, 3, 0, 2, 0, 0]), BOXES);

    expect(found?.corners.map(Math.round)).toEqual([-10, 35, 30, 55]);
  });
});

describe('logits without one', () => {
  it('give a query as many classes as score, best first', () => {
    const found = detect('RTDetr', float32([1, 2, 2], [1, -9, 2, 3]), BOXES, 0.5);

    expect(found.map(({ label, corners }) => [label, Math.round(corners[0])])).toEqual([
      [1, -10],
      [0, -10],
    ]); // no more than there are queries
  });

  it('keep the order of equal scores', () => {
    const found = detect('DeformableDetr', float32([1, 2, 2], [1, 1, 1, 1]), BOXES);

    expect(found.map(({ label, corners }) => [label, Math.round(corners[0])])).toEqual([
      [0, 40],
      [1, 40],
      [0, -10],
      [1, -10],
    ]);
  });
});

it.each([
  ['are of other classes', 'Detr', float32([1, 2, 2], [1, 1, 1, 1]), BOXES, /1 classes, "id2label" names 2/],
  ['come with other boxes', 'Detr', float32([1, 1, 3], [1, 1, 1]), BOXES, /pred_boxes float32\[N,Q,4\]/],
])('refuses logits that %s', (_what, name, logits, boxes, message) => {
  expect(() => detect(name, logits, boxes)).toThrow(
    expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
  );
});

it('finds nothing where the graph computed no number', () => {
  const nothing = float32([1, 2, 3], Array(6).fill(Number.NaN));

  expect(detect('Detr', nothing, BOXES)).toEqual([]);
});
