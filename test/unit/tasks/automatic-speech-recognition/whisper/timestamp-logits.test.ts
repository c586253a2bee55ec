import { describe, expect, it } from '@jest/globals';
import { createTimestampProcessor } from '../../../../../src/tasks/automatic-speech-recognition/whisper/timestamp-logits.ts';

// Words 0 to 9, end of text 10, another special token 11, no timestamps 12, timestamps 13 to 22.
const TOKENS = { noTimestamps: 12, first: 13, eos: 10, maxInitialIndex: 3 };
const PROMPT = [11, 11];
const SIZE = 23;

/** Tokens that are left after `generated`, when words lead by so much that timestamps do not win by their number. */
const allowedAfter = (generated: readonly number[], lead = 20, tokens: typeof TOKENS | object = TOKENS): number[] => {
  const scores = new Float32Array(SIZE);
  scores.fill(lead, 0, 12);
  createTimestampProcessor(tokens as typeof TOKENS, PROMPT.length)(scores, [...PROMPT, ...generated]);
  return [...scores.keys()].filter((token) => scores[token] !== Number.NEGATIVE_INFINITY);
};

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('timestamps', () => {
  it('begin the text, no later than the model says', () => {
    expect(allowedAfter([])).toEqual(range(13, 16));
  });

  it('may begin it anywhere when the model does not say', () => {
    const { maxInitialIndex: _none, ...tokens } = TOKENS;
    expect(allowedAfter([], 20, tokens)).toEqual(range(13, 22));
  });

  it('are followed by words', () => {
    expect(allowedAfter([14])).toEqual(range(0, 11));
  });

  it('go on from the latest, which is not repeated behind words', () => {
    expect(allowedAfter([14, 1])).toEqual([...range(0, 11), ...range(15, 22)]);
  });

  it('come in pairs, or end the text, and the second may be the same', () => {
    expect(allowedAfter([14, 1, 16])).toEqual([10, 11, ...range(16, 22)]);
  });

  it('are not three in a row', () => {
    expect(allowedAfter([14, 1, 16, 17])).toEqual(range(0, 11));
  });

  it('are taken when together they are likelier than the likeliest word', () => {
    expect(allowedAfter([14, 1], Math.log(8) - 0.01)).toEqual(range(15, 22));
    expect(allowedAfter([14, 1], Math.log(8) + 0.01)).toEqual([...range(0, 11), ...range(15, 22)]);
  });

  it('of the prompt do not count', () => {
    const scores = new Float32Array(SIZE).fill(20, 0, 12);
    createTimestampProcessor(TOKENS, 2)(scores, [13, 20, 14, 1]);
    expect(scores[15]).toBe(0);
  });
});
