import { describe, expect, it } from '@jest/globals';
import type { Corners, Detection } from '../../../../src/tasks/object-detection/detection.ts';
import { overlap, suppress } from '../../../../src/tasks/object-detection/suppress.ts';

const box = (score: number, corners: Corners, label = 0): Detection => ({ score, label, corners });

describe('the overlap of two boxes', () => {
  it.each<[string, number, Corners, Corners]>([
    ['the same box', 1, [0, 0, 4, 2], [0, 0, 4, 2]],
    ['half of it', 0.5, [0, 0, 4, 2], [0, 0, 2, 2]],
    ['a shifted one', 1 / 3, [0, 0, 4, 2], [2, 0, 6, 2]],
    ['one that only touches', 0, [0, 0, 4, 2], [4, 0, 6, 2]],
    ['one far away on both axes', 0, [0, 0, 1, 1], [5, 5, 6, 6]],
  ])('with %s is %d', (_what, expected, a, b) => {
    expect(overlap(a, b)).toBeCloseTo(expected, 12);
    expect(overlap(b, a)).toBeCloseTo(expected, 12);
  });
});

describe('non-maximum suppression', () => {
  const good = box(0.9, [0, 0, 10, 10]);
  const near = box(0.8, [0, 0, 10, 9]);
  const far = box(0.7, [50, 50, 60, 60]);

  it('keeps the better of two boxes that overlap, best first', () => {
    expect(suppress([far, near, good], 0.5)).toEqual([good, far]);
  });

  it('keeps boxes that overlap by no more than is allowed', () => {
    expect(suppress([good, near], 0.9)).toEqual([good, near]); // they overlap by 0.9
    expect(suppress([good, near], 0.89)).toEqual([good]);
  });

  it('leaves boxes of other classes alone', () => {
    const other = { ...near, label: 1 };

    expect(suppress([good, other], 0.1)).toEqual([good, other]);
  });

  it('does not drop a box for one that was dropped itself', () => {
    const chain = [box(0.9, [0, 0, 10, 10]), box(0.8, [4, 0, 14, 10]), box(0.7, [8, 0, 18, 10])];

    expect(suppress(chain, 0.3)).toEqual([chain[0], chain[2]]);
  });

  it('keeps boxes without an area, and the order of equal scores', () => {
    const points = [1, 2, 3].map((x) => box(0.5, [x, x, x, x]));

    expect(suppress(points, 0)).toEqual(points);
  });

  it('answers 300 boxes at most, of however many', () => {
    const grid = Array.from({ length: 40_000 }, (_, i) => {
      const [x, y] = [(i % 200) * 10, Math.floor(i / 200) * 10];
      return box(1 - i / 1e6, [x, y, x + 5, y + 5]);
    });

    expect(suppress(grid, 0.5)).toEqual(grid.slice(0, 300));
  });

  it('looks at the best 30,000 of candidates that all cover each other', () => {
    const same = Array.from({ length: 30_001 }, (_, i) => box(1 - i / 1e6, [0, 0, 10, 10]));
    const [worst] = [box(0.1, [50, 50, 60, 60])];

    expect(suppress([...same, worst as Detection], 0.5)).toEqual([same[0]]);
  });
});
