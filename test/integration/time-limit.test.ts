import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findBacktracking } from '../../src/media/text/tokenizer/time-limit.ts';
import { createTokenizer } from '../../src/media/text/tokenizer.ts';
import { readTokenizer } from '../../src/source/tokenizers/index.ts';

/** A tokenizer that knows the letters a and b. */
const letters = (parts: object) => ({
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: {
    ...{ type: 'WordPiece', unk_token: '?', continuing_subword_prefix: '', max_input_chars_per_word: 100 },
    vocab: { '?': 0, a: 1, b: 2 },
  },
  ...parts,
});

const replace = (Regex: string) => ({ type: 'Replace', pattern: { Regex }, content: 'b' });
const splitAt = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

const ENDLESS = `${'a'.repeat(40)}!`;

describe('a regular expression of tokenizer.json', () => {
  it.each([
    ['in a normaliser', { normalizer: replace('(a+)+$') }],
    ['in a list of normalisers', { normalizer: { type: 'Sequence', normalizers: [replace('(a|aa)+$')] } }],
    ['that splits', { pre_tokenizer: splitAt('^(?:[a-z]+\\s?)*$') }],
  ])('%s is ended when it goes back in a text without end', (_where, parts) => {
    const tokenizer = createTokenizer(letters(parts), {});

    expect(() => tokenizer.encode(ENDLESS)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('take too long') }),
    );
    expect(tokenizer.encode('ab').ids.length).toBeGreaterThan(0);
  });

  it('in a decoder is ended, too', () => {
    const tokenizer = createTokenizer(
      letters({ decoder: { type: 'Sequence', decoders: [{ type: 'Fuse' }, replace('(a+)+$')] } }),
      {},
    );
    const ids = [...Array.from({ length: 40 }, () => 1), 0];

    expect(() => tokenizer.decode(ids)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('is ended while the tokenizer is read, when an added token brings it out', () => {
    const token = {
      id: 3,
      content: ENDLESS,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: true,
      special: false,
    };

    expect(() => createTokenizer(letters({ normalizer: replace('(a+)+$'), added_tokens: [token] }), {})).toThrow(
      'take too long',
    );
  });

  it.each([
    ['(a+)+$', /40 times "a"/],
    ['(?:\\w+\\s?)*$', /40 times/],
    ['^(?:a*)*(?:a*)*b$', /times "a"/],
    ['a*a*a*a*$', /2000 times "a"/],
  ])('is refused at push: %s', async (pattern, message) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'patterns-'));
    try {
      await writeFile(
        path.join(directory, 'tokenizer.json'),
        JSON.stringify(letters({ normalizer: replace(pattern) })),
      );
      await expect(
        readTokenizer({ directory, graphs: {}, alternatives: [], ownsDirectory: true }),
      ).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringMatching(message),
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it.each([' {2,}', ' ', '\\s+', '[ \\t]+', '[^a-z]', 'x', '\\p{N}{1,3}'.replace('\\p{N}', '\\d')])(
    'of one character or class costs no time limit: %j',
    (pattern) => {
      expect(findBacktracking(replace(pattern))).toEqual([]);
    },
  );

  it.each(['(a+)+', 'a+b', 'a|b', '\\s+$', '\\1+', '(a)', '[a]+[b]'])('of more has a time limit: %s', (pattern) => {
    expect(findBacktracking([{ decoders: [replace(pattern)] }])).toEqual([pattern]);
  });
});
