import { describe, expect, it } from '@jest/globals';
import { cutAtTimestamps } from '../../../../../src/tasks/automatic-speech-recognition/whisper/segments.ts';

/** Timestamp of so many steps of 0.02 s; words are below 1000. */
const at = (steps: number): number => 1_000 + steps;

describe('a segment', () => {
  it.each([
    ['ends with the audio when it has no timestamps', [1, 2], [1, 2], 3_000],
    ['ends with the audio when it has no pair of them', [at(0), 1, at(50), 2], [at(0), 1, at(50), 2], 3_000],
    ['ends behind the last pair of timestamps', [at(0), 1, at(50), at(60), 2], [at(0), 1, at(50), at(60)], 100],
    [
      'goes on from the last of several pairs',
      [at(0), 1, at(5), at(6), 2, at(9), at(9)],
      [at(0), 1, at(5), at(6), 2, at(9), at(9)],
      18,
    ],
    [
      'is the last when a lone timestamp ends it',
      [at(0), 1, at(5), at(6), 2, at(9)],
      [at(0), 1, at(5), at(6), 2, at(9)],
      3_000,
    ],
    ['may be a lone timestamp', [at(7)], [at(7)], 3_000],
    ['may be empty', [], [], 3_000],
    ['always goes forward', [at(0), at(0), 1], [at(0), at(0)], 3_000],
  ])('a segment %s', (_when, tokens, kept, frames) => {
    expect(cutAtTimestamps(tokens, at(0), 3_000)).toEqual({ tokens: kept, frames });
  });
});
