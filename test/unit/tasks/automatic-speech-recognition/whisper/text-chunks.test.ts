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

const part = (tokens: readonly number[], fields: Partial<TranscribedWindow> = {}): TranscribedWindow => ({
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
  it('without timestamps is one chunk', () => {
    expect(toTextChunks([part(words('abc'))], vocabulary, false)).toEqual([chunk('abc', null, null)]);
  });

  it('is cut at pairs of timestamps', () => {
    const tokens = [at(0), ...words('ab'), at(1.5), at(2), ...words('c'), at(3)];
    expect(toTextChunks([part(tokens)], vocabulary, true)).toEqual([chunk('ab', 0, 1.5), chunk('c', 2, 3)]);
  });

  it('says that it does not know the end of a chunk that was cut off', () => {
    expect(toTextChunks([part([at(0), ...words('ab')])], vocabulary, true)).toEqual([chunk('ab', 0, null)]);
  });

  it('has words whose numbers lie above those of special tokens, as in vocabularies that were trained anew', () => {
    const own = ['<|endoftext|>', '<|de|>', 'a', 'b'];
    const retrained: Vocabulary = {
      tokenizer: { decode: (ids) => ids.map((id) => own[id]).join(''), token: (id) => own[id] },
      specialIds: new Set([0, 1]),
      firstTimestamp: 4,
    };
    expect(toTextChunks([part([1, 2, 3, 0])], retrained, false)).toEqual([chunk('ab', null, null)]);
  });

  it('of nothing is nothing', () => {
    expect(toTextChunks([part([])], vocabulary, true)).toEqual([]);
  });

  it('joins parts where they agree', () => {
    const parts = [part(words('abcde'), { strideRight: 5 }), part(words('defgh'), { strideLeft: 5 })];
    expect(toTextChunks(parts, vocabulary, false)).toEqual([chunk('abcdefgh', null, null)]);
  });

  it('leaves timestamps in what both parts heard to the second, and counts them from the beginning of the recording', () => {
    const parts = [
      part([at(0), ...words('ab'), at(26), at(26), ...words('c'), at(28)], { strideRight: 5 }),
      part([at(0), ...words('bc'), at(8), at(8), ...words('d'), at(12)], { strideLeft: 5 }),
    ];
    expect(toTextChunks(parts, vocabulary, true)).toEqual([chunk('abc', 0, 28), chunk('d', 28, 32)]);
  });

  it('counts the timestamps of a later segment of the same part from where the one before ended', () => {
    const tokens = [at(0), ...words('a'), at(10), at(10), at(0), ...words('b'), at(4)];
    expect(toTextChunks([part(tokens)], vocabulary, true)).toEqual([chunk('a', 0, 10), chunk('b', 10, 14)]);
  });

  it('takes a lone timestamp before a later segment for the end of the part', () => {
    const tokens = [at(0), ...words('a'), at(10), ...words('c'), at(4), ...words('b')];
    expect(toTextChunks([part(tokens)], vocabulary, true)[1]).toEqual(chunk('cb', 34, null));
  });

  it('begins a new chunk where the text changes its language, unless timestamps do', () => {
    const tokens = [DE, ...words('ab'), FR, ...words('cd')];
    expect(toTextChunks([part(tokens)], vocabulary, false)).toEqual([
      chunk('ab', null, null, 'german'),
      chunk('cd', null, null, 'french'),
    ]);
    expect(toTextChunks([part(tokens)], vocabulary, true)).toEqual([chunk('abcd', null, null, 'french')]);
  });

  it('has the language of the last part that a chunk was heard in, and none where the model knows none', () => {
    const { language: _none, ...unknown } = part(words('ab'), { strideRight: 5 });
    expect(toTextChunks([unknown], vocabulary, false)).toEqual([chunk('ab', null, null, null)]);
    const parts = [unknown, part(words('ab'), { strideLeft: 5, language: 'french' })];
    expect(toTextChunks(parts, vocabulary, false)).toEqual([chunk('ab', null, null, 'french')]);
  });

  it('does not show timestamps that the tokenizer reads as text', () => {
    const reading: Vocabulary = {
      ...vocabulary,
      tokenizer: { ...vocabulary.tokenizer, decode: (ids) => `<|1.20|>${vocabulary.tokenizer.decode(ids)}<|30.00|>` },
    };
    expect(toTextChunks([part(words('ab'))], reading, false)).toEqual([chunk('ab', null, null)]);
  });
});
