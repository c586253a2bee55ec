import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { addedToken, inOrder, isWithout, recordedTokens, requireId, specialToken } from './special-tokens.ts';
import { flag, readVocabulary, type TokenizerFolder } from './tokenizer-folder.ts';
import { type Part, template, tokenizerJson } from './tokenizer-json.ts';

/** merges.txt: a line about the version, then two tokens a line. */
const readMerges = async (
  folder: TokenizerFolder,
  vocabulary: ReadonlyMap<string, number>,
): Promise<(readonly [string, string])[]> => {
  const lines = (await folder.read('merges.txt'))
    .toString()
    .split(/\r\n|\r|\n/)
    .slice(1, -1);
  return lines.map((line, index) => {
    const [left = '', right = '', ...rest] = line.split(' ');
    const where = `merges.txt: line ${index + 2}, ${show(line)}`;
    if (left === '' || right === '' || rest.length > 0) refuse('MODEL_INVALID', `${where}, is no pair of tokens`);
    for (const token of [left, right, left + right])
      if (!vocabulary.has(token)) refuse('MODEL_INVALID', `${where}: vocab.json lacks ${show(token)}`);
    return [left, right] as const;
  });
};

const byteLevel = (addPrefixSpace: boolean, trimOffsets: boolean): Part => ({
  type: 'ByteLevel',
  add_prefix_space: addPrefixSpace,
  trim_offsets: trimOffsets,
  use_regex: true,
});

interface Kind {
  /** True when the class matches its special tokens, but for the mask, in normalised form. */
  readonly normalized: boolean;
  /** Special tokens in the order of their roles, with those that the class has by default. */
  readonly special: Readonly<Record<string, string>>;
  postProcessor(token: (role: string) => string, toId: (token: string) => number): Part;
}

const convert = async (folder: TokenizerFolder, { special, normalized, postProcessor }: Kind): Promise<object> => {
  const vocabulary = await readVocabulary(folder, 'vocab.json');
  const merges = await readMerges(folder, vocabulary);
  const recorded = recordedTokens(folder, vocabulary, 'vocab.json');
  const ids = new Map([...vocabulary, ...(recorded ?? []).map(({ content, id }) => [content, id] as const)]);
  const toId = (token: string): number => requireId(ids, token, 'vocab.json');
  const token = (role: string): string => specialToken(folder, role, special[role] ?? '');
  return tokenizerJson({
    added_tokens: inOrder(
      recorded ??
        Object.keys(special)
          .filter((role) => !isWithout(folder, role))
          .map((role) => {
            const isMask = role === 'mask_token';
            return addedToken(toId(token(role)), token(role), { lstrip: isMask, normalized: normalized && !isMask });
          }),
    ),
    normalizer: null,
    pre_tokenizer: byteLevel(flag(folder, 'add_prefix_space', false), true),
    post_processor: postProcessor(token, toId),
    decoder: byteLevel(true, true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary),
      merges,
    },
  });
};

/** RobertaTokenizer, and the classes that are the same under another name. */
export const roberta = (folder: TokenizerFolder): Promise<object> =>
  convert(folder, {
    normalized: true,
    special: {
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      sep_token: '</s>',
      pad_token: '<pad>',
      cls_token: '<s>',
      mask_token: '<mask>',
    },
    postProcessor: (token, toId) => ({
      type: 'RobertaProcessing',
      sep: [token('sep_token'), toId(token('sep_token'))],
      cls: [token('cls_token'), toId(token('cls_token'))],
      trim_offsets: true,
      add_prefix_space: flag(folder, 'add_prefix_space', false),
    }),
  });

export const gpt2 = (folder: TokenizerFolder): Promise<object> =>
  convert(folder, {
    normalized: true,
    special: { bos_token: '<|endoftext|>' },
    postProcessor: (token, toId) => {
      const bos = token('bos_token');
      return flag(folder, 'add_bos_token', false)
        ? template(`${bos} $A`, `${bos} $A $B:1`, { [bos]: toId(bos) })
        : byteLevel(true, false);
    },
  });

/** WhisperTokenizer; which language and task are asked for is the task's own business. */
export const whisper = (folder: TokenizerFolder): Promise<object> =>
  convert(folder, {
    normalized: false,
    special: { eos_token: '<|endoftext|>' },
    postProcessor: (token, toId) => {
      const eos = token('eos_token');
      const prefix = '<|startoftranscript|> <|notimestamps|>';
      const ids = Object.fromEntries([eos, ...prefix.split(' ')].map((name) => [name, toId(name)]));
      return template(`${prefix} $A ${eos}`, `${prefix} $A $B:1 ${eos}:1`, ids);
    },
  });
