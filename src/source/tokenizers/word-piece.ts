import { addedToken, inOrder, isWithout, recordedTokens, requireId, specialToken } from './special-tokens.ts';
import { flag, type TokenizerFolder } from './tokenizer-folder.ts';
import { template, tokenizerJson } from './tokenizer-json.ts';

/** A token a line; its number is the id. Python's universal line ends. */
const readLines = async (folder: TokenizerFolder): Promise<Map<string, number>> => {
  const lines = (await folder.read('vocab.txt')).toString().split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return new Map(lines.map((token, id) => [token, id]));
};

interface Defaults {
  readonly cls: string;
  readonly sep: string;
  readonly pad: string;
  readonly mask: string;
  /** Separators between the texts of a pair. */
  readonly separators: 1 | 2;
}

const convert = async (folder: TokenizerFolder, defaults: Defaults): Promise<object> => {
  const vocabulary = await readLines(folder);
  const toId = (token: string): number => requireId(vocabulary, token, 'vocab.txt');
  const cls = specialToken(folder, 'cls_token', defaults.cls);
  const sep = specialToken(folder, 'sep_token', defaults.sep);
  const mask = specialToken(folder, 'mask_token', defaults.mask);
  const unknown = specialToken(folder, 'unk_token', '[UNK]');
  const pad = specialToken(folder, 'pad_token', defaults.pad);
  const named = [...(isWithout(folder, 'pad_token') ? [] : [pad]), unknown, cls, sep];
  const { strip_accents: stripAccents = null } = folder.settings;
  const isBasic = flag(folder, 'do_basic_tokenize', true);
  const between = defaults.separators === 2 ? `${sep} ${sep}` : sep;
  return tokenizerJson({
    added_tokens: inOrder(
      recordedTokens(folder, vocabulary, 'vocab.txt') ?? [
        ...named.map((token) => addedToken(toId(token), token)),
        ...(isWithout(folder, 'mask_token')
          ? []
          : [addedToken(toId(mask), mask, { lstrip: defaults.separators === 2 })]),
      ],
    ),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: isBasic && flag(folder, 'tokenize_chinese_chars', true),
      strip_accents: isBasic ? stripAccents : false,
      lowercase: isBasic && flag(folder, 'do_lower_case', true),
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: template(`${cls} $A ${sep}`, `${cls} $A ${between} $B:1 ${sep}:1`, {
      [cls]: toId(cls),
      [sep]: toId(sep),
    }),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
  });
};

/** BertTokenizer, and the classes that are the same under another name. */
export const bert = (folder: TokenizerFolder): Promise<object> =>
  convert(folder, { cls: '[CLS]', sep: '[SEP]', pad: '[PAD]', mask: '[MASK]', separators: 1 });

export const mpnet = (folder: TokenizerFolder): Promise<object> =>
  convert(folder, { cls: '<s>', sep: '</s>', pad: '<pad>', mask: '<mask>', separators: 2 });
