import { describe, expect, it } from '@jest/globals';
import { mostTokens, windowsOf } from '../../../../src/media/text/tokenizer/windows.ts';

describe('the windows of a text', () => {
  it.each([
    ['one, though empty, when there is nothing', 0, 4, 1, [[0, 0]]],
    ['one when all fits', 4, 4, 1, [[0, 4]]],
    // What tokenizers 0.22 makes of max_length 4 and stride 1 or 3, without special tokens.
    [
      'overlapping ones, of which the last is shorter',
      8,
      4,
      1,
      [
        [0, 4],
        [3, 7],
        [6, 8],
      ],
    ],
    [
      'ones that end where the text does',
      7,
      4,
      1,
      [
        [0, 4],
        [3, 7],
      ],
    ],
    [
      'ones that move by one token',
      6,
      4,
      3,
      [
        [0, 4],
        [1, 5],
        [2, 6],
      ],
    ],
    [
      'ones side by side',
      9,
      4,
      0,
      [
        [0, 4],
        [4, 8],
        [8, 9],
      ],
    ],
  ])('are %s', (_what, count, size, stride, expected) => {
    const windows = windowsOf(count, size, stride);

    expect(windows).toEqual(expected);
  });

  it.each([
    [1, 4, 1],
    [3, 4, 1],
    [3, 4, 0],
    [5, 4, 3],
  ])('hold so many tokens and no more, when they are %i of %i that overlap by %i', (windows, size, stride) => {
    const most = mostTokens(windows, size, stride);

    expect(windowsOf(most, size, stride)).toHaveLength(windows);
    expect(windowsOf(most + 1, size, stride)).toHaveLength(windows + 1);
  });
});
