import { beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenizer, type Tokenizer } from '../../../../src/media/text/tokenizer.ts';
import { inReferenceTerms, readKinds, readTokenizer } from '../../../support/tokenizer-reference.ts';

const kinds = await readKinds();

describe.each(kinds)('a tokenizer of kind $name', ({ tokenizer, size, texts, pairs }) => {
  it(`gives the ids, offsets and words of the reference for ${texts.length} texts`, () => {
    for (const { text, expected } of texts)
      expect([text, inReferenceTerms(tokenizer.encode(text, { maxLength: Number.POSITIVE_INFINITY }))]).toMatchObject([
        text,
        {
          ids: expected.ids,
          types: expected.types,
          offsets: expected.offsets,
          special: expected.special,
          words: expected.words,
          sequences: expected.sequences,
        },
      ]);
  });

  it('cuts texts where the reference does, and says how long they were', () => {
    for (const { text, expected, cut } of texts) {
      const encoding = tokenizer.encode(text, { maxLength: 9 });
      expect([text, inReferenceTerms(encoding)]).toEqual([text, cut]);
      expect(encoding.truncatedFrom).toBe(expected.ids.length > 9 ? expected.ids.length : undefined);
    }
  });

  it('joins and cuts pairs as the reference', () => {
    for (const { pair, expected } of pairs) {
      const [full, cut, bare] = [
        { maxLength: Number.POSITIVE_INFINITY },
        { maxLength: 16 },
        { maxLength: Number.POSITIVE_INFINITY, addSpecialTokens: false },
      ].map((options) => inReferenceTerms(tokenizer.encode(pair[0], { pair: pair[1], ...options })));
      expect([pair, full, cut, bare]).toEqual([pair, ...expected]);
    }
  });

  it('turns ids back into the text of the reference', () => {
    for (const { text, expected } of texts)
      expect([
        text,
        tokenizer.decode(expected.ids),
        tokenizer.decode(expected.ids, { skipSpecialTokens: true }),
        tokenizer.decode(expected.ids, { skipSpecialTokens: true, cleanUp: true }),
      ]).toEqual([text, expected.decoded, expected.decodedWithoutSpecials, expected.cleaned]);
  });

  it('has as many tokens as the reference', () => {
    expect(tokenizer.vocabSize).toBe(size);
  });
});

describe('a tokenizer', () => {
  it('knows what tokenizer_config.json says of lengths and padding', async () => {
    expect(await readTokenizer('bert-uncased')).toMatchObject({ maxLength: 64, paddingSide: 'right', padId: 0 });
    expect(await readTokenizer('gpt2')).toMatchObject({ maxLength: Number.POSITIVE_INFINITY });
    expect(await readTokenizer('llama')).toMatchObject({ paddingSide: 'left', padId: 2 });
  });

  it('finds tokens by id and ids by token', async () => {
    const tokenizer = await readTokenizer('bert-uncased');
    expect(tokenizer.tokenId('[SEP]')).toBe(3);
    expect(tokenizer.token(3)).toBe('[SEP]');
    expect(tokenizer.tokenId('constructor')).toBeUndefined();
    expect(tokenizer.token(1_000_000)).toBeUndefined();
  });

  it('has a token named constructor when the vocabulary does', () => {
    const tokenizer = createTokenizer(
      { model: { type: 'WordPiece', vocab: { '[UNK]': 0, constructor: 1, prototype: 2 }, unk_token: '[UNK]' } },
      {},
    );
    expect(tokenizer.encode('constructor').ids).toEqual([1]);
  });

  it('prefers the longer of equally likely tokens of a unigram model, as the reference', () => {
    const vocab = [
      ['<unk>', 0],
      ['a', -1],
      ['b', -1],
      ['ab', -2],
      ['c', -1],
      ['bc', -2],
      ['abc', -3],
    ];
    const tokenizer = createTokenizer({ model: { type: 'Unigram', vocab, unk_id: 0 } }, {});
    expect(['ab', 'abc', 'cab', 'abab'].map((text) => tokenizer.encode(text).ids)).toEqual([[3], [6], [4, 3], [3, 3]]);
  });

  it('points into the string of the caller, in UTF-16 units', async () => {
    const tokenizer = await readTokenizer('bert-uncased');
    const text = '😀 KÖLN';
    const words = tokenizer.encode(text).offsets.map(([start, end]) => text.slice(start, end));
    expect(words.join('')).toBe('😀KÖLN');
  });

  it.each([
    [{ type: 'Morpheme' }, /model Morpheme is not known/],
    [{ type: 'WordPiece', vocab: { a: 1 }, unk_token: '[UNK]' }, /lacks its unk_token/],
    [{ type: 'BPE', vocab: { a: 0 }, merges: ['a b'] }, /merges name "b"/],
    [undefined, /tokenizer\.json/],
  ])('refuses the model %j', (model, message) => {
    expect(() => createTokenizer({ model }, {})).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses what is no tokenizer', () => {
    expect(() => createTokenizer([], {})).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(() => createTokenizer({ model: {} }, null)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  it('refuses an added token whose id no vocabulary has room for', () => {
    const file = { model: { type: 'WordPiece', vocab: { '[UNK]': 0 }, unk_token: '[UNK]' } };
    expect(() => createTokenizer({ ...file, added_tokens: [{ id: 4e9, content: '[X]' }] }, {})).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID' }),
    );
    expect(createTokenizer({ ...file, added_tokens: [{ id: 1, content: '[X]' }] }, {}).encode('[X]').ids).toEqual([1]);
  });
});

describe('a text of 100,000 characters', () => {
  const LENGTH = 100_000;
  const tokenizers = new Map<string, Tokenizer>();
  beforeAll(async () => {
    for (const name of ['bert-uncased', 'roberta', 'xlm-roberta', 'llama', 'nllb'])
      tokenizers.set(name, await readTokenizer(name));
  });

  /** What grew with the square of its length would take minutes. */
  it.each([
    ['without a space', 'a'],
    ['of words of one letter', 'a '],
    ['of spaces', ' '],
    ['of punctuation', '!'],
    ['of ideographs', '我'],
    ['of emoji that no vocabulary has', '😀'],
    ['of accents', 'e\u0301'],
    ['of half an added token', 'NEWTOKE'],
    ['of the metaspace', '▁'],
  ])('%s is tokenised', (_, unit) => {
    const text = unit.repeat(LENGTH / unit.length);
    for (const [name, tokenizer] of tokenizers) {
      const { ids } = tokenizer.encode(text, { maxLength: 16 });
      expect([name, ids.length <= 16]).toEqual([name, true]);
    }
  });

  it('that normalisation would make 18 times as long is refused', async () => {
    const tokenizer = await readTokenizer('xlm-roberta');
    expect(() => tokenizer.encode('\ufdfa'.repeat(LENGTH))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(tokenizer.encode('\ufdfa').ids.length).toBeGreaterThan(3);
  });
});
