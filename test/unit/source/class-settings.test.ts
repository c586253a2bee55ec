import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readTokenizer } from '../../../src/source/tokenizers/index.ts';

const VOCABULARY = { '[UNK]': 0, '<s>': 1, '</s>': 2, he: 3, HE: 4, é: 5, e: 6, a: 7, 中: 8, Ġhe: 9 };

const special = (content: string, id: number) => ({ id, content, special: true, normalized: false });

/** A tokenizer.json that knows the words of `VOCABULARY`, and puts `<s>` before each text. */
const words = (parts: object = {}) => ({
  added_tokens: [special('[UNK]', 0), special('<s>', 1), special('</s>', 2)].map((token) => ({
    ...{ single_word: false, lstrip: false, rstrip: false },
    ...token,
  })),
  normalizer: {
    ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true },
    ...{ strip_accents: null, lowercase: false },
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: null,
  model: {
    ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    vocab: VOCABULARY,
  },
  ...parts,
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'class-settings-'));
});
afterEach(() => rm(directory, { recursive: true }));

const read = async (settings: object, tokenizer: object = words()) => {
  await writeFile(path.join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(
    path.join(directory, 'tokenizer_config.json'),
    JSON.stringify({ unk_token: '[UNK]', model_max_length: 64, ...settings }),
  );
  return readTokenizer({ directory, graphs: {}, alternatives: [], ownsDirectory: true });
};

/** The ids of a text, without special tokens. */
const idsOf = async (settings: object, text: string): Promise<readonly number[]> =>
  (await read(settings)).tokenizer.encode(text, { addSpecialTokens: false }).ids;

/** Expected ids are those of transformers 4.57.6. */
describe('tokenizer_config.json', () => {
  it.each<[string, object, string, number[]]>([
    ['lower-cases for BERT without being asked', { tokenizer_class: 'BertTokenizer' }, 'HE é', [3, 6]],
    ['lower-cases for a fast class', { tokenizer_class: 'MobileBertTokenizerFast', do_lower_case: true }, 'HE', [3]],
    ['keeps case when it says so', { tokenizer_class: 'BertTokenizer', do_lower_case: false }, 'HE é', [4, 5]],
    ['keeps accents when it says so', { tokenizer_class: 'BertTokenizer', strip_accents: false }, 'HE é', [3, 5]],
    ['leaves ideographs together', { tokenizer_class: 'BertTokenizer', tokenize_chinese_chars: false }, '中a', [0]],
    [
      'has no say in ideographs for MPNet',
      { tokenizer_class: 'MPNetTokenizer', tokenize_chinese_chars: false },
      '中a',
      [8, 7],
    ],
    [
      'has no say in case for another class',
      { tokenizer_class: 'PreTrainedTokenizerFast', do_lower_case: true },
      'HE',
      [4],
    ],
  ])('%s', async (_what, settings, text, ids) => {
    expect(await idsOf(settings, text)).toEqual(ids);
  });

  it.each<[string, object, number[], number[]]>([
    ['adds the token of the end', { add_eos_token: true }, [1, 3, 2], [1, 3, 2, 1, 7, 2]],
    ['leaves out the token of the beginning', { add_bos_token: false }, [3], [3, 7]],
    ['adds the token of the beginning without being asked', {}, [1, 3], [1, 3, 1, 7]],
    ['adds no token at all', { tokenizer_class: 'GPTNeoXTokenizerFast' }, [3], [3, 7]],
    [
      'leaves the template of another class alone',
      { tokenizer_class: 'PreTrainedTokenizerFast', add_eos_token: true },
      [1, 3],
      [3, 7],
    ],
  ])('%s', async (_what, settings, ids, pairIds) => {
    const { tokenizer } = await read({
      tokenizer_class: 'LlamaTokenizer',
      bos_token: '<s>',
      eos_token: '</s>',
      ...settings,
    });

    expect(tokenizer.encode('he').ids).toEqual(ids);
    expect(tokenizer.encode('he', { pair: 'a' }).ids).toEqual(pairIds);
  });

  it('names a token that it adds and tokenizer.json lacks', async () => {
    const settings = { tokenizer_class: 'LlamaTokenizer', add_eos_token: true, eos_token: '<end>' };

    await expect(read(settings)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('adds "<end>" to each text'),
    });
  });

  it('refuses a setting that is neither true nor false', async () => {
    await expect(read({ tokenizer_class: 'BertTokenizer', do_lower_case: 'yes' })).rejects.toThrow('"do_lower_case"');
  });

  it.each([
    [{ add_prefix_space: true }, 'Ġhe'],
    [{ add_prefix_space: false }, 'he'],
    [{}, 'he'],
  ])('decides by %j about a space before the first word', async (settings, token) => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
    const tokenizer = words({ normalizer: null, pre_tokenizer: byteLevel, post_processor: null });
    const { tokenizer: made } = await read({ tokenizer_class: 'GPT2Tokenizer', ...settings }, tokenizer);

    expect(made.encode('he').ids.map((id) => made.token(id))).toEqual([token]);
  });

  it('makes a token of a special token that tokenizer.json has in its vocabulary only', async () => {
    const bare = words({ added_tokens: [] });
    const { tokenizer } = await read({ tokenizer_class: 'BertTokenizer', additional_special_tokens: ['</s>'] }, bare);

    expect(tokenizer.encode('he</s>a', { addSpecialTokens: false }).ids).toEqual([3, 2, 7]);
  });

  it('leaves out a special token that no vocabulary has', async () => {
    const { tokenizer } = await read({ tokenizer_class: 'BertTokenizer', additional_special_tokens: ['<new>'] });

    expect(tokenizer.tokenId('<new>')).toBeUndefined();
  });

  it('leaves tokenizer.json as it is when it agrees', async () => {
    const { files } = await read({ tokenizer_class: 'BertTokenizer', do_lower_case: false });

    expect(files[0]).toEqual({ path: 'tokenizer.json' });
  });
});
