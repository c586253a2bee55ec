import { describe, expect, it } from '@jest/globals';
import { mergeOverlaps } from '../../../../../src/tasks/automatic-speech-recognition/whisper/merge-overlaps.ts';

describe('merged tokens of windows', () => {
  it.each([
    [
      'are joined at common tokens',
      [
        [1, 2, 3, 4, 5],
        [3, 4, 5, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      'come from the first window up to the middle of the common tokens',
      [
        [1, 2, 3, 9, 5, 6],
        [2, 3, 4, 5, 6, 7],
      ],
      [1, 2, 3, 4, 5, 6, 7],
    ],
    [
      'follow one another when none is common',
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
    ],
    [
      'are not joined at a single common token',
      [
        [1, 2],
        [2, 3],
      ],
      [1, 2, 2, 3],
    ],
    [
      'are joined at the longer of two equally good matches',
      [
        [5, 6, 5, 6],
        [5, 6, 5, 6, 7],
      ],
      [5, 6, 5, 6, 7],
    ],
    ['are those of one window when the other has none', [[], [1, 2]], [1, 2]],
    [
      'are joined over three windows',
      [
        [1, 2, 3],
        [2, 3, 4, 5],
        [4, 5, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
    ['may come from one window alone', [[1, 2]], [1, 2]],
    ['may be none', [[]], []],
  ])('merged tokens of windows %s', (_when, sequences, merged) => {
    expect(mergeOverlaps(sequences)).toEqual(merged);
  });
});
