import { describe, expect, it } from '@jest/globals';
import { chunksOf, joinWords, toSrt, toVtt } from '../../../src/protocol/openai/transcript.ts';

const word = (text: string, start: number, end: number) => ({ text, start, end });

describe('subtitles', () => {
  const segments = [word(' Hello there. ', 0, 1.2345), word('An arrow --> here', 3599.9996, 3725.5)];

  it('have the clock of SubRip', () => {
    expect(toSrt(segments)).toBe(
      '1\n00:00:00,000 --> 00:00:01,235\nHello there.\n\n2\n01:00:00,000 --> 01:02:05,500\nAn arrow -> here\n',
    );
  });

  it('have the clock of WebVTT', () => {
    expect(toVtt(segments)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.235\nHello there.\n\n01:00:00.000 --> 01:02:05.500\nAn arrow -> here\n',
    );
    expect(toVtt([])).toBe('WEBVTT\n');
  });

  it('end at the end of the audio where the model says none', () => {
    const chunks = [{ text: 'a', timestamp: [1, null], language: 'German' }, { text: 'b' }];
    expect(chunksOf({ chunks }, 9)).toEqual([
      { text: 'a', start: 1, end: 9, language: 'german' },
      { text: 'b', start: 0, end: 9 },
    ]);
    expect(chunksOf({ text: 'a' }, 9)).toEqual([]);
  });

  it('break at a pause, and before they are too long', () => {
    const spoken = [word('one', 0, 0.5), word('two', 0.6, 1), word('three', 2, 2.5)];
    expect(joinWords(spoken)).toEqual([word('one two', 0, 1), word('three', 2, 2.5)]);
    const fast = Array.from({ length: 40 }, (_, index) => word('word', index / 10, index / 10 + 0.1));
    const lines = joinWords(fast);
    expect(lines.map(({ text }) => text.length)).toEqual([79, 79, 39]);
    expect(lines.at(-1)?.end).toBeCloseTo(4, 6);
  });
});
