import { describe, expect, it } from '@jest/globals';
import {
  type CtcVocabulary,
  decodeTokens,
  toWords,
} from '../../../../../src/tasks/automatic-speech-recognition/ctc/decode-tokens.ts';

const VOCABULARY: CtcVocabulary = {
  tokens: ['<pad>', '<unk>', '|', 'A', 'B', "'", 'S', '.'],
  blank: '<pad>',
  unknown: '<unk>',
  wordDelimiter: '|',
  wordDelimiterText: ' ',
  lowerCase: false,
  cleanUpSpaces: false,
};

const ids = (letters: string): number[] => Array.from(letters, (letter) => "_?|AB'S.".indexOf(letter));
const read = (letters: string, changes: Partial<CtcVocabulary> = {}) =>
  decodeTokens(ids(letters), { ...VOCABULARY, ...changes });

describe('outputs as text', () => {
  it.each([
    ['', ''],
    ['____', ''],
    ['|||', ''],
    ['AAABB', 'AB'],
    ['AA_AA', 'AA'],
    ['_A__|_B_', 'A B'],
    ['|A||B|', 'A B'],
    ['A|_|B', 'A  B'],
    ['A?B', 'A<unk>B'],
  ])('%j is %j', (letters, text) => {
    expect(read(letters).text).toBe(text);
  });

  it('of ids without a token is unknown', () => {
    expect(decodeTokens([3, 99, 98, 3], VOCABULARY).text).toBe('A<unk>A');
  });

  it('is lower-cased and cleaned up where the tokenizer does so', () => {
    expect(read("A|'S|.", { lowerCase: true, cleanUpSpaces: true }).text).toBe("a's.");
    expect(read("A|'S|.", { wordDelimiterText: '_' }).text).toBe("A_'S_.");
  });
});

describe('words', () => {
  const words = (letters: string) =>
    toWords(read(letters).letters, ' ').map(({ text, start, end }) => [text, start, end]);

  it('begin with their first letter and end with their last', () => {
    expect(words('__AA_B__||_S__')).toEqual([
      ['AB', 2, 6],
      ['S', 11, 12],
    ]);
  });

  it('are none in silence, and none between delimiters', () => {
    expect(words('____')).toEqual([]);
    expect(words('|_|_|')).toEqual([]);
    expect(words('|A')).toEqual([['A', 1, 2]]);
  });
});
