import { describe, expect, it } from '@jest/globals';
import { mergeOverlaps } from '../../../../../src/tasks/automatic-speech-recognition/whisper/merge-overlaps.ts';

describe('what two parts have heard', () => {
  it.each([
    [
      'is one when they share tokens',
      [
        [1, 2, 3, 4, 5],
        [3, 4, 5, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      'is taken from the first up to the middle of what they share',
      [
        [1, 2, 3, 9, 5, 6],
        [2, 3, 4, 5, 6, 7],
      ],
      [1, 2, 3, 4, 5, 6, 7],
    ],
    [
      'follows one another when they share nothing',
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
    ],
    [
      'does not hang together by a single token',
      [
        [1, 2],
        [2, 3],
      ],
      [1, 2, 2, 3],
    ],
    [
      'is the longer match of equally good ones',
      [
        [5, 6, 5, 6],
        [5, 6, 5, 6, 7],
      ],
      [5, 6, 5, 6, 7],
    ],
    ['is that of the other when one heard nothing', [[], [1, 2]], [1, 2]],
    [
      'is one over three parts',
      [
        [1, 2, 3],
        [2, 3, 4, 5],
        [4, 5, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
    ['may be from one part alone', [[1, 2]], [1, 2]],
    ['may be nothing', [[]], []],
  ])('%s', (_when, sequences, merged) => {
    expect(mergeOverlaps(sequences)).toEqual(merged);
  });
});
