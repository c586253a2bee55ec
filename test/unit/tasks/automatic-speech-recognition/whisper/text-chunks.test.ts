import { describe, expect, it } from '@jest/globals';
import {
  type TranscribedWindow,
  toTextChunks,
} from '../../../../../src/tasks/automatic-speech-recognition/whisper/text-chunks.ts';
import type { Vocabulary } from '../../../../../src/tasks/automatic-speech-recognition/whisper/vocabulary.ts';

const TOKENS = [...'abcdefgh', '<|endoftext|>', '<|de|>', '<|fr|>', '<|notimestamps|>'];

/** Words are letters; a timestamp reads as in tokenizers that have them. */
const vocabulary: Vocabulary = {
  tokenizer: { decode: (ids) => ids.map((id) => TOKENS[id]).join(''), token: (id) => TOKENS[id] },
  specialIds: new Set([8, 9, 10, 11]),
  firstTimestamp: 12,
};

const [DE, FR] = [9, 10];
const words = (text: string): number[] => [...text].map((letter) => TOKENS.indexOf(letter));
const at = (seconds: number): number => 12 + Math.round(seconds / 0.02);

const window = (tokens: readonly number[], fields: Partial<TranscribedWindow> = {}): TranscribedWindow => ({
  tokens,
  length: 30,
  strideLeft: 0,
  strideRight: 0,
  language: 'german',
  ...fields,
});

const chunk = (text: string, start: number | null, end: number | null, language: string | null = 'german') => ({
  language,
  timestamp: [start, end],
  text,
});

describe('a transcript', () => {
  it('a transcript without timestamps is one chunk', () => {
    expect(toTextChunks([window(words('abc'))], vocabulary, false)).toEqual([chunk('abc', null, null)]);
  });

  it('a transcript is cut at pairs of timestamps', () => {
    const tokens = [at(0), ...words('ab'), at(1.5), at(2), ...words('c'), at(3)];
    expect(toTextChunks([window(tokens)], vocabulary, true)).toEqual([chunk('ab', 0, 1.5), chunk('c', 2, 3)]);
  });

  it('a chunk that was cut off has no end', () => {
    expect(toTextChunks([window([at(0), ...words('ab')])], vocabulary, true)).toEqual([chunk('ab', 0, null)]);
  });

  it('a transcript has words with larger ids than special tokens, as in vocabularies that were trained anew', () => {
    const own = ['<|endoftext|>', '<|de|>', 'a', 'b'];
    const retrained: Vocabulary = {
      tokenizer: { decode: (ids) => ids.map((id) => own[id]).join(''), token: (id) => own[id] },
      specialIds: new Set([0, 1]),
      firstTimestamp: 4,
    };
    expect(toTextChunks([window([1, 2, 3, 0])], retrained, false)).toEqual([chunk('ab', null, null)]);
  });

  it('a transcript of no tokens is empty', () => {
    expect(toTextChunks([window([])], vocabulary, true)).toEqual([]);
  });

  it('a transcript joins windows at their common tokens', () => {
    const windows = [window(words('abcde'), { strideRight: 5 }), window(words('defgh'), { strideLeft: 5 })];
    expect(toTextChunks(windows, vocabulary, false)).toEqual([chunk('abcdefgh', null, null)]);
  });

  it('timestamps in the audio that two windows share come from the second one, and count from the beginning of the audio', () => {
    const windows = [
      window([at(0), ...words('ab'), at(26), at(26), ...words('c'), at(28)], { strideRight: 5 }),
      window([at(0), ...words('bc'), at(8), at(8), ...words('d'), at(12)], { strideLeft: 5 }),
    ];
    expect(toTextChunks(windows, vocabulary, true)).toEqual([chunk('abc', 0, 28), chunk('d', 28, 32)]);
  });

  it('timestamps of a later segment of a window count from the end of the previous segment', () => {
    const tokens = [at(0), ...words('a'), at(10), at(10), at(0), ...words('b'), at(4)];
    expect(toTextChunks([window(tokens)], vocabulary, true)).toEqual([chunk('a', 0, 10), chunk('b', 10, 14)]);
  });

  it('a lone timestamp before a later segment is the end of the window', () => {
    const tokens = [at(0), ...words('a'), at(10), ...words('c'), at(4), ...words('b')];
    expect(toTextChunks([window(tokens)], vocabulary, true)[1]).toEqual(chunk('cb', 34, null));
  });

  it('a chunk ends when the text changes its language, unless timestamps end it', () => {
    const tokens = [DE, ...words('ab'), FR, ...words('cd')];
    expect(toTextChunks([window(tokens)], vocabulary, false)).toEqual([
      chunk('ab', null, null, 'german'),
      chunk('cd', null, null, 'french'),
    ]);
    expect(toTextChunks([window(tokens)], vocabulary, true)).toEqual([chunk('abcd', null, null, 'french')]);
  });

  it('a chunk has the language of its last window, and none when the model knows none', () => {
    const { language: _none, ...unknown } = window(words('ab'), { strideRight: 5 });
    expect(toTextChunks([unknown], vocabulary, false)).toEqual([chunk('ab', null, null, null)]);
    const windows = [unknown, window(words('ab'), { strideLeft: 5, language: 'french' })];
    expect(toTextChunks(windows, vocabulary, false)).toEqual([chunk('ab', null, null, 'french')]);
  });

  it('a transcript does not show timestamps that the tokenizer decodes as text', () => {
    const reading: Vocabulary = {
      ...vocabulary,
      tokenizer: { ...vocabulary.tokenizer, decode: (ids) => `<|1.20|>${vocabulary.tokenizer.decode(ids)}<|30.00|>` },
    };
    expect(toTextChunks([window(words('ab'))], reading, false)).toEqual([chunk('ab', null, null)]);
  });
});
