import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import {
  createTerms,
  groupOfText,
  tokensSchema,
  toTermTensor,
  type WordSettings,
} from '../../../../src/media/text/words.ts';

const WORDS: WordSettings = {
  ...{ analyzer: 'word', ngram_range: [1, 2], lowercase: true },
  ...{ token_pattern: '[\\p{L}\\p{N}_]{2,}', stop_words: ['the'] },
};

describe('words', () => {
  it('are neighbours after stop words are left out', () => {
    expect(createTerms(WORDS)('Over THE hill, a Straße')).toEqual([
      'over',
      'hill',
      'straße',
      'over hill',
      'hill straße',
    ]);
  });

  it('lose accents, but not letters that only look like them', () => {
    const terms = createTerms({ ...WORDS, ngram_range: [1, 1], strip_accents: 'unicode' });
    expect(terms('Ærø İzmir हिन्दी ё é')).toEqual(['ærø', 'izmir', 'नद']);
    expect(createTerms({ ...WORDS, ngram_range: [1, 1], strip_accents: 'ascii' })('naïve Москва')).toEqual(['naive']);
  });

  it('of characters stay within a word, where the analyzer says so', () => {
    const characters: WordSettings = { analyzer: 'char_wb', ngram_range: [3, 3], lowercase: false };
    expect(createTerms(characters)('ab  c')).toEqual([' ab', 'ab ', ' c ']);
    expect(createTerms({ analyzer: 'char_wb', ngram_range: [4, 5], lowercase: false })('a')).toEqual([' a ']);
    expect(createTerms({ analyzer: 'char', ngram_range: [3, 3], lowercase: false })('ab  c')).toEqual(['ab ', 'b c']);
    expect(createTerms({ analyzer: 'char', ngram_range: [1, 1], lowercase: false })('😀é')).toEqual(['😀', 'é']);
  });

  it('of several texts are padded', () => {
    const { shape, data } = toTermTensor(['good film', '', 'bad'], createTerms({ ...WORDS, ngram_range: [1, 1] }));
    expect(shape).toEqual([3, 2]);
    expect(data).toEqual(['good', 'film', '', '', 'bad', '']);
    expect(toTermTensor(['', ''], createTerms(WORDS)).shape).toEqual([2, 1]);
  });

  it('refuse texts that are too long, have too many terms, or take too long', () => {
    expect(() => createTerms(WORDS)('x'.repeat(1_048_577))).toThrow(/1048577 characters/);
    const many = createTerms({ analyzer: 'char', ngram_range: [1, 100], lowercase: false });
    expect(() => many('x'.repeat(10_000))).toThrow(/up to 1000000 terms, at most 524288/);
    const slow = createTerms({ ...WORDS, token_pattern: '(?:a+)+$' });
    expect(() => slow(`${'a'.repeat(40)}!`)).toThrow(/take too long for a text of 41 characters/);
    const marks = createTerms({ ...WORDS, strip_accents: 'unicode' });
    expect(() => marks(`a${'\u0301'.repeat(300)}`)).toThrow(/300 combining marks in a row/);
  });

  it('of long texts run apart', () => {
    const long = 'x'.repeat(20_000);
    expect([groupOfText('a'), groupOfText('b'), groupOfText(long)]).toEqual(['', '', long]);
  });

  it.each([
    [{ ...WORDS, token_pattern: '(' }, /no regular expression/],
    [{ ...WORDS, ngram_range: [2, 1] }, /from the least to the most/],
    [{ ...WORDS, ngram_range: [1, 101] }, /100/],
    [{ ...WORDS, analyzer: 'line' }, /line/],
    [{ analyzer: 'word', ngram_range: [1, 1], lowercase: true }, /token_pattern/],
  ])('refuse settings %#', (settings, problem) => {
    const { success, issues } = v.safeParse(tokensSchema, { text: settings });
    expect(success).toBe(false);
    expect(v.summarize(issues ?? [{} as never])).toMatch(problem);
  });
});
