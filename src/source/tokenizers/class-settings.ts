import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Settings } from '../settings-file.ts';
import { addedToken, additionalSpecialTokens, specialToken } from './special-tokens.ts';
import { flag, type TokenizerFolder } from './tokenizer-folder.ts';
import { template } from './tokenizer-json.ts';

const tokenizersOf = (...names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => `${name}Tokenizer`));

/** Classes that make `lowercase`, `strip_accents` and `handle_chinese_chars` of tokenizer.json anew. */
const BERT_CLASSES = tokenizersOf(
  ...['Bert', 'ConvBert', 'DistilBert', 'Electra', 'Funnel', 'LayoutLM', 'Lxmert', 'MobileBert', 'SqueezeBert'],
);
/** Classes that leave `handle_chinese_chars` alone. */
const CASED_CLASSES = tokenizersOf('MPNet', 'RoFormer', 'Splinter');

interface SurroundingTokens {
  readonly bos: string;
  readonly eos: string;
  /** Default of `add_bos_token`. */
  readonly addsBos: boolean;
}

const LLAMA: SurroundingTokens = { bos: '<s>', eos: '</s>', addsBos: true };

/** Classes that make the template of tokenizer.json anew, of `add_bos_token` and `add_eos_token`. */
const SURROUNDING_CLASSES: Readonly<Record<string, SurroundingTokens>> = {
  LlamaTokenizer: LLAMA,
  CodeLlamaTokenizer: LLAMA,
  GemmaTokenizer: { bos: '<bos>', eos: '<eos>', addsBos: true },
  CohereTokenizer: { bos: '<BOS_TOKEN>', eos: '<|END_OF_TURN_TOKEN|>', addsBos: true },
  GPTNeoXTokenizer: { bos: '<|endoftext|>', eos: '<|endoftext|>', addsBos: false },
};

type Parts = Settings;

/** `normalizer_state` in `BertTokenizerFast`: all settings of the class, when one differs. */
const withCase = (parts: Parts, folder: TokenizerFolder, className: string): Parts => {
  const { normalizer } = parts;
  if (!isObject(normalizer) || normalizer.type !== 'BertNormalizer') return parts;
  const { strip_accents: stripAccents = null } = folder.settings;
  const settings = {
    lowercase: flag(folder, 'do_lower_case', true),
    strip_accents: stripAccents,
    ...(BERT_CLASSES.has(className) && { handle_chinese_chars: flag(folder, 'tokenize_chinese_chars', true) }),
  };
  const isSame = Object.entries(settings).every(([name, value]) => (normalizer[name] ?? null) === value);
  return isSame ? parts : { ...parts, normalizer: { ...normalizer, ...settings } };
};

const SPECIAL_TOKENS = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map((name) => `${name}_token`);

/**
 * `tokens_to_add` in the constructor of all fast tokenizers: a special token of the settings is found in a text as it stands. Tokens that
 * the vocabulary lacks are left out, because no graph has a row for them.
 */
const withSpecialTokens = (parts: Parts, folder: TokenizerFolder): Parts => {
  const { added_tokens: added = [], model } = parts;
  const vocab = isObject(model) && isObject(model.vocab) ? model.vocab : {};
  const known = new Set(Array.isArray(added) ? added.map((token: unknown) => isObject(token) && token.content) : []);
  const named = SPECIAL_TOKENS.map((name) => specialToken(folder, name, ''));
  const missing = [...new Set([...named, ...additionalSpecialTokens(folder)])].flatMap((content) => {
    const id = Object.hasOwn(vocab, content) && !known.has(content) ? vocab[content] : undefined;
    return typeof id === 'number' ? [addedToken(id, content)] : [];
  });
  return missing.length === 0 || !Array.isArray(added) ? parts : { ...parts, added_tokens: [...added, ...missing] };
};

/** The id of a special token in tokenizer.json. @throws `MODEL_INVALID` */
const idOf = ({ added_tokens: added, model }: Parts, token: string): number => {
  const found = Array.isArray(added) ? added.find((entry: unknown) => isObject(entry) && entry.content === token) : {};
  const vocab = isObject(model) && isObject(model.vocab) ? model.vocab : {};
  const id = isObject(found) ? found.id : Object.hasOwn(vocab, token) ? vocab[token] : undefined;
  return typeof id === 'number'
    ? id
    : refuse(
        'MODEL_INVALID',
        `tokenizer_config.json adds "${token}" to each text, which tokenizer.json lacks: save the tokenizer anew with transformers`,
      );
};

/** `update_post_processor` of `LlamaTokenizerFast`. */
const withSurroundingTokens = (parts: Parts, folder: TokenizerFolder, defaults: SurroundingTokens): Parts => {
  const { bos, eos, addsBos } = defaults;
  const before = flag(folder, 'add_bos_token', addsBos) ? [specialToken(folder, 'bos_token', bos)] : [];
  const after = flag(folder, 'add_eos_token', false) ? [specialToken(folder, 'eos_token', eos)] : [];
  const pieces = (text: string, type: string): string =>
    [...before.map((token) => token + type), text + type, ...after.map((token) => token + type)].join(' ');
  const ids = Object.fromEntries([...before, ...after].map((token) => [token, idOf(parts, token)]));
  return { ...parts, post_processor: template(pieces('$A', ''), `${pieces('$A', '')} ${pieces('$B', ':1')}`, ids) };
};

/** The constructor of all fast tokenizers: `add_prefix_space` counts for a pre-tokenizer that stands alone. */
const withPrefixSpace = (parts: Parts, folder: TokenizerFolder): Parts => {
  const { pre_tokenizer: words } = parts;
  if (!isObject(words) || typeof words.add_prefix_space !== 'boolean') return parts;
  const { add_prefix_space: asked } = folder.settings;
  const adds = asked === undefined || asked === null ? false : flag(folder, 'add_prefix_space', false);
  return words.add_prefix_space === adds ? parts : { ...parts, pre_tokenizer: { ...words, add_prefix_space: adds } };
};

/**
 * tokenizer.json as the class of the tokenizer in `transformers` changes it by tokenizer_config.json; the same object where nothing changes.
 * @throws `MODEL_INVALID` for a setting of the wrong type, and for a token that tokenizer.json lacks
 */
export const applyClassSettings = (json: Settings, folder: TokenizerFolder): Settings => {
  const { className = '' } = folder;
  const isCased = BERT_CLASSES.has(className) || CASED_CLASSES.has(className);
  const cased = isCased ? withCase(json, folder, className) : json;
  const surrounding = Object.hasOwn(SURROUNDING_CLASSES, className) ? SURROUNDING_CLASSES[className] : undefined;
  const surrounded = surrounding === undefined ? cased : withSurroundingTokens(cased, folder, surrounding);
  return withSpecialTokens(withPrefixSpace(surrounded, folder), folder);
};
