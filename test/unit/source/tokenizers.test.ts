import { cp, mkdtemp, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTokenizer } from '../../../src/media/text/tokenizer.ts';
import { readTokenizerFiles } from '../../../src/source/tokenizers/index.ts';
import { parseSentencePieceModel } from '../../../src/source/tokenizers/sentencepiece-file.ts';

const FIXTURES = path.join(import.meta.dirname, '../../fixtures');

interface Reference {
  readonly texts: readonly string[];
  readonly ids: readonly number[][];
  readonly decoded: readonly { readonly ids: number[]; readonly text: string; readonly whole: string }[];
  /** Of kinds that have a fast tokenizer: its own tokenizer.json, without the character map. */
  readonly tokenizer?: object;
  /** Its added tokens where nothing but the class's own files and `do_lower_case` is there; null where that is not enough. */
  readonly bareTokens?: readonly object[] | null;
}

const sourceOf = (directory: string) => ({ directory, graphs: {}, alternatives: [], ownsDirectory: true });

const build = async (directory: string): Promise<readonly [tokenizer: Record<string, unknown>, config: unknown]> => {
  const [tokenizer, config] = await readTokenizerFiles(sourceOf(directory));
  return [JSON.parse(String(tokenizer?.content)), JSON.parse(String(config?.content))];
};

const readReference = async (name: string): Promise<Reference> =>
  JSON.parse(await readFile(path.join(FIXTURES, 'reference/unconverted-tokenizers', `${name}.json`), 'utf8'));

const withoutCharsmap = (tokenizer: object): unknown =>
  JSON.parse(JSON.stringify(tokenizer, (key, value) => (key === 'precompiled_charsmap' ? undefined : value)));

const SLOW = ['marian', 'marian-separate-vocabs', 'm2m100', 'm2m100-bpe'];
const FAST = ['t5', 'xlm-roberta', 'nllb', 'bert-uncased', 'bert-cased', 'mpnet', 'roberta', 'gpt2', 'whisper'];

describe.each([...SLOW, ...FAST])('%s', (name) => {
  it(`the tokenizer that push makes of ${name} gives the ids of transformers`, async () => {
    const reference = await readReference(name);
    const tokenizer = createTokenizer(...(await build(path.join(FIXTURES, 'unconverted-tokenizers', name))));
    expect(reference.texts.length).toBeGreaterThan(100);
    reference.texts.forEach((text, index) => {
      const { ids } = tokenizer.encode(text, { maxLength: Number.POSITIVE_INFINITY });
      expect([text, ids]).toEqual([text, reference.ids[index]]);
    });
  });

  it(`the tokenizer that push makes of ${name} turns ids into the text of transformers`, async () => {
    const reference = await readReference(name);
    const tokenizer = createTokenizer(...(await build(path.join(FIXTURES, 'unconverted-tokenizers', name))));
    // A piece of the source's model behind a special token: Python writes two spaces, and here it is one.
    const spaced = (text: string): string => (name === 'marian' ? text.replaceAll(/ +/g, ' ') : text);
    for (const { ids, text, whole } of reference.decoded) {
      expect([ids, tokenizer.decode(ids, { skipSpecialTokens: true, cleanUp: false })]).toEqual([ids, text]);
      expect([ids, spaced(tokenizer.decode(ids, { cleanUp: false }))]).toEqual([ids, spaced(whole)]);
    }
  });
});

describe.each(FAST)('tokenizer.json of %s', (name) => {
  it(`tokenizer.json of ${name} equals that of transformers`, async () => {
    const [tokenizer] = await build(path.join(FIXTURES, 'unconverted-tokenizers', name));
    expect(withoutCharsmap(tokenizer)).toEqual((await readReference(name)).tokenizer);
  });
});

describe.each(FAST.filter((name) => name !== 'nllb'))('an old folder of %s', (name) => {
  it(`an old folder of ${name} gives the tokenizer that transformers makes of it`, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
    await cp(path.join(FIXTURES, 'unconverted-tokenizers', name), directory, { recursive: true });
    const file = path.join(directory, 'tokenizer_config.json');
    const { do_lower_case = true } = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ do_lower_case }));
    await rm(path.join(directory, 'special_tokens_map.json'));
    const [tokenizer] = await build(directory);
    const { tokenizer: expected, bareTokens } = await readReference(name);
    expect(withoutCharsmap(tokenizer)).toEqual({ ...expected, added_tokens: bareTokens });
    await rm(directory, { recursive: true });
  });
});

describe('a sentencepiece model', () => {
  it('a sentencepiece model is refused wherever it was cut short', async () => {
    const file = await readFile(path.join(FIXTURES, 'unconverted-tokenizers/marian/source.spm'));
    expect(parseSentencePieceModel(file).pieces.length).toBeGreaterThan(100);
    for (let length = 0; length < file.length; length += 7)
      expect(() => parseSentencePieceModel(file.subarray(0, length))).toThrow(/cut short|is empty/);
  });
});

describe('files of a tokenizer', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tokenizer-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  const copy = (name: string) =>
    cp(path.join(FIXTURES, 'unconverted-tokenizers', name), directory, { recursive: true });
  const edit = async (file: string, change: (value: Record<string, unknown>) => unknown): Promise<void> => {
    const value = JSON.parse(await readFile(path.join(directory, file), 'utf8'));
    await writeFile(path.join(directory, file), JSON.stringify(change(value)));
  };
  const write = (file: string, content: string | Uint8Array) => writeFile(path.join(directory, file), content);

  it('files of a tokenizer are taken as they are where tokenizer.json is among them', async () => {
    await cp(path.join(FIXTURES, 'tokenizers/bert-uncased'), directory, { recursive: true });
    expect(await readTokenizerFiles(sourceOf(directory))).toEqual([
      { path: 'tokenizer.json' },
      { path: 'tokenizer_config.json' },
    ]);
  });

  it('a tokenizer needs no tokenizer_config.json, as before transformers wrote one', async () => {
    await copy('marian');
    const expected = await build(directory);
    await unlink(path.join(directory, 'tokenizer_config.json'));
    await unlink(path.join(directory, 'special_tokens_map.json'));
    const [tokenizer, config] = await build(directory);
    expect(tokenizer).toEqual(expected[0]);
    expect(createTokenizer(tokenizer, config)).toMatchObject({ maxLength: 512, padId: 334 });
  });

  it.each([
    ['always', {}],
    ['always', { legacy: null }],
    ['first', { legacy: false }],
    ['never', { add_prefix_space: null }],
    ['never', { add_prefix_space: false, legacy: false }],
  ])('the tokenizer of T5 puts spaces %s with %j', async (scheme, settings) => {
    await copy('t5');
    await edit('tokenizer_config.json', ({ legacy: _, add_prefix_space: __, ...rest }) => ({ ...rest, ...settings }));
    const [tokenizer] = await build(directory);
    expect(tokenizer).toMatchObject({
      pre_tokenizer: { prepend_scheme: scheme },
      decoder: { prepend_scheme: scheme },
    });
  });

  it.each<[string, string, () => Promise<unknown>]>([
    [
      'marian',
      'source.spm: it is no sentencepiece model, or was cut short',
      () => truncate(path.join(directory, 'source.spm'), 4_000),
    ],
    ['marian', 'target.spm: it is empty', () => write('target.spm', '')],
    [
      'marian',
      'source.spm is a Git LFS pointer',
      () => write('source.spm', 'version https://git-lfs.github.com/spec/v1'),
    ],
    [
      'marian',
      'source.spm: it is no sentencepiece model',
      () => write('source.spm', Buffer.from([0x0a, ...Array<number>(9).fill(0xff), 0x7f])),
    ],
    ['marian', 'source.spm: it is no sentencepiece model', () => write('source.spm', Buffer.alloc(10_000, 0xff))],
    [
      'marian',
      'has neither tokenizer.json nor source.spm, of which that of a MarianTokenizer is made',
      () => unlink(path.join(directory, 'source.spm')),
    ],
    ['marian', 'has neither tokenizer.json nor vocab.json', () => unlink(path.join(directory, 'vocab.json'))],
    ['marian', 'vocab.json: it is not JSON', () => write('vocab.json', '{"a": 1')],
    ['marian', 'vocab.json: it is no object', () => write('vocab.json', '["</s>", "<unk>"]')],
    [
      'marian',
      'vocab.json: "▁" and "▁the" both have the id',
      () => edit('vocab.json', (value) => ({ ...value, '▁the': value['▁'] })),
    ],
    ['marian', 'vocab.json: the id of "a" is -1', () => edit('vocab.json', (value) => ({ ...value, a: -1 }))],
    ['marian', 'vocab.json: the id of "a" is "1"', () => edit('vocab.json', (value) => ({ ...value, a: '1' }))],
    ['marian', 'vocab.json: the id of "a" is 1e+300', () => edit('vocab.json', (value) => ({ ...value, a: 1e300 }))],
    [
      'marian',
      'vocab.json lacks the special token "<pad>"',
      () => edit('vocab.json', ({ '<pad>': _, ...rest }) => rest),
    ],
    [
      'marian',
      'of source.spm, such as "▁": they are not of one model',
      () => write('vocab.json', '{"</s>": 0, "<unk>": 1, "<pad>": 2}'),
    ],
    [
      'marian',
      '"separate_vocabs" is "yes"',
      () => edit('tokenizer_config.json', (value) => ({ ...value, separate_vocabs: 'yes' })),
    ],
    [
      'marian',
      'has neither tokenizer.json nor target_vocab.json',
      () => edit('tokenizer_config.json', (value) => ({ ...value, separate_vocabs: true })),
    ],
    [
      'marian',
      '"enable_sampling" is for training',
      () => edit('tokenizer_config.json', (value) => ({ ...value, sp_model_kwargs: { enable_sampling: true } })),
    ],
    [
      'marian',
      'added_tokens_decoder',
      () => edit('tokenizer_config.json', (value) => ({ ...value, added_tokens_decoder: { x: 1 } })),
    ],
    [
      'marian',
      'added_tokens_decoder: "</s>" has the id 7, and 0 in vocab.json',
      () =>
        edit('tokenizer_config.json', (value) => ({ ...value, added_tokens_decoder: { '7': { content: '</s>' } } })),
    ],
    [
      'marian',
      'added_tokens_decoder: 7 is "<zz>", and ',
      () =>
        edit('tokenizer_config.json', (value) => ({ ...value, added_tokens_decoder: { '7': { content: '<zz>' } } })),
    ],
    [
      'marian',
      'added_tokens_decoder: "99999999" is no id',
      () =>
        edit('tokenizer_config.json', (value) => ({
          ...value,
          added_tokens_decoder: { '99999999': { content: '<zz>' } },
        })),
    ],
    [
      'marian',
      '"model_max_length" is 1, and the 1 special tokens of every text leave no room',
      () => edit('tokenizer_config.json', (value) => ({ ...value, model_max_length: 1 })),
    ],
    [
      'm2m100',
      '"language_codes" is "klingon"; known are m2m100, wmt21',
      () => edit('tokenizer_config.json', (value) => ({ ...value, language_codes: 'klingon' })),
    ],
    [
      'm2m100',
      'lacks the special token "__xx__"',
      () => edit('tokenizer_config.json', (value) => ({ ...value, src_lang: 'xx' })),
    ],
    [
      'nllb',
      'has no "added_tokens_decoder"',
      () => edit('tokenizer_config.json', ({ added_tokens_decoder: _, ...rest }) => rest),
    ],
    ['t5', '"extra_ids" is 1000000000', () => edit('tokenizer_config.json', (value) => ({ ...value, extra_ids: 1e9 }))],
    ['bert-cased', 'added_tokens_decoder: 0 is "[PAD]", and "a" in vocab.txt', () => write('vocab.txt', 'a\nb\n')],
    [
      'bert-cased',
      'has neither tokenizer.json nor vocab.txt, of which that of a BertTokenizer is made',
      () => unlink(path.join(directory, 'vocab.txt')),
    ],
    ['roberta', 'merges.txt: line 2, "a b c", is no pair', () => write('merges.txt', '#version: 0.2\na b c\n')],
    ['roberta', 'merges.txt: line 2, "Ŋ Ŋ": vocab.json lacks "Ŋ"', () => write('merges.txt', '#version: 0.2\nŊ Ŋ\n')],
    [
      't5',
      'a "FlaubertTokenizer" is not converted here; make it with: python -c',
      () => edit('tokenizer_config.json', (value) => ({ ...value, tokenizer_class: 'FlaubertTokenizer' })),
    ],
    [
      't5',
      'spiece.model, tokenizer_config.json, and neither',
      () => edit('tokenizer_config.json', ({ tokenizer_class: _, ...rest }) => rest),
    ],
  ])('files of the tokenizer of %s are refused: %s', async (name, message, spoil) => {
    await copy(name);
    if (name === 't5') await write('config.json', '{}');
    await spoil();
    await expect(readTokenizerFiles(sourceOf(directory))).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
