import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { AlignedText } from '../../media/text/tokenizer/aligned-text.ts';
import { createNormalizer, type Normalizer } from '../../media/text/tokenizer/normalizers.ts';
import type { Settings } from '../settings-file.ts';
import { defaultsOf, defaultText } from './class-defaults.ts';
import { withAddedTokens } from './merge-added-tokens.ts';
import { specialToken } from './special-tokens.ts';
import { flag, type TokenizerFolder } from './tokenizer-folder.ts';
import { template } from './tokenizer-json.ts';

const tokenizersOf = (...names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => `${name}Tokenizer`));

/** Classes that make `lowercase`, `strip_accents` and `handle_chinese_chars` of tokenizer.json anew. */
const BERT_CLASSES = tokenizersOf(
  ...['Bert', 'ConvBert', 'DistilBert', 'Electra', 'Funnel', 'LayoutLM', 'Lxmert', 'MobileBert', 'SqueezeBert'],
  ...['DPRContextEncoder', 'DPRQuestionEncoder', 'DPRReader', 'Realm', 'RetriBert'],
);
/** Classes that leave `handle_chinese_chars` alone. */
const CASED_CLASSES = tokenizersOf('LayoutLMv2', 'MPNet', 'RoFormer', 'Splinter');

/** Classes that make the template of tokenizer.json anew, by their default of `add_bos_token`. */
const ADDS_BOS: ReadonlyMap<string, boolean> = new Map([
  ...[...tokenizersOf('Llama', 'CodeLlama', 'Gemma', 'Cohere')].map((name) => [name, true] as const),
  ['GPTNeoXTokenizer', false],
]);

/** Classes that put `add_prefix_space` and `trim_offsets` into the post-processor too. */
const TRIMMING_CLASSES = tokenizersOf('Bart', 'Blenderbot', 'LED', 'LayoutLMv3', 'Longformer', 'Mvp', 'Roberta');
/** Classes with another default of `add_prefix_space` than false: null changes nothing. */
const PREFIX_DEFAULTS: Readonly<Record<string, boolean | null>> = {
  ...{ LayoutLMv3Tokenizer: true, MarkupLMTokenizer: true },
  ...{ LlamaTokenizer: null, T5Tokenizer: null, MT5Tokenizer: null },
};

/** Places of the source language in a text, by the class; `$A` is the text. */
const LANGUAGES: Readonly<Record<string, { readonly language: string; readonly isFirst: boolean }>> = {
  NllbTokenizer: { language: 'eng_Latn', isFirst: true },
  MBartTokenizer: { language: 'en_XX', isFirst: false },
  MBart50Tokenizer: { language: 'en_XX', isFirst: true },
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
  if (isSame) return parts;
  const made = { ...normalizer, ...settings };
  return { ...parts, normalizer: made, added_tokens: matchedAsBefore(parts.added_tokens, normalizer, made) };
};

/**
 * Added tokens that are matched in normalised form. They keep the form that the first normaliser gave them, so that a token whose form the
 * new normaliser never gives is found no more.
 */
const matchedAsBefore = (added: unknown, before: object, after: object): unknown => {
  const [first, second] = [createNormalizer(before), createNormalizer(after)];
  const normalise = (text: string, by: Normalizer): string => by(AlignedText.from(text)).text;
  if (!Array.isArray(added)) return added;
  return added.flatMap((token: unknown) => {
    if (!isObject(token) || token.normalized !== true || typeof token.content !== 'string') return [token];
    const content = normalise(token.content, first);
    return normalise(content, second) === content ? [{ ...token, content }] : [];
  });
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
const withSurroundingTokens = (parts: Parts, folder: TokenizerFolder, addsBos: boolean): Parts => {
  const tokenOf = (role: string): string => specialToken(folder, role, defaultText(folder.className, role) ?? '');
  const before = flag(folder, 'add_bos_token', addsBos) ? [tokenOf('bos_token')] : [];
  const after = flag(folder, 'add_eos_token', false) ? [tokenOf('eos_token')] : [];
  const pieces = (text: string, type: string): string =>
    [...before.map((token) => token + type), text + type, ...after.map((token) => token + type)].join(' ');
  const ids = Object.fromEntries([...before, ...after].map((token) => [token, idOf(parts, token)]));
  return { ...parts, post_processor: template(pieces('$A', ''), `${pieces('$A', '')} ${pieces('$B', ':1')}`, ids) };
};

/** `set_src_lang_special_tokens` of `NllbTokenizerFast` and its kin. */
const withLanguage = (
  parts: Parts,
  folder: TokenizerFolder,
  { language, isFirst }: (typeof LANGUAGES)[string],
): Parts => {
  const { src_lang: asked } = folder.settings;
  const eos = specialToken(folder, 'eos_token', '</s>');
  const source = typeof asked === 'string' ? asked : language;
  const begins = isFirst && !flag(folder, 'legacy_behaviour', false);
  const around = (text: string): string => (begins ? `${source} ${text} ${eos}` : `${text} ${eos} ${source}`);
  const ids = { [source]: idOf(parts, source), [eos]: idOf(parts, eos) };
  return { ...parts, post_processor: template(around('$A'), around('$A $B'), ids) };
};

const prefixOf = (folder: TokenizerFolder): boolean | null => {
  const { className = '', settings } = folder;
  const { [className]: otherwise = false } = PREFIX_DEFAULTS;
  const { add_prefix_space: asked } = settings;
  return asked === undefined || asked === null ? otherwise : flag(folder, 'add_prefix_space', false);
};

/** The constructor of all fast tokenizers: `add_prefix_space` counts for a pre-tokenizer that stands alone. */
const withPrefixSpace = (parts: Parts, folder: TokenizerFolder): Parts => {
  const { pre_tokenizer: words } = parts;
  const adds = prefixOf(folder);
  if (adds === null || !isObject(words) || words.type !== 'ByteLevel' || words.add_prefix_space === adds) return parts;
  return { ...parts, pre_tokenizer: { ...words, add_prefix_space: adds } };
};

/** The constructor of `RobertaTokenizerFast` and its kin: which spaces belong to a token. */
const withTrimming = (parts: Parts, folder: TokenizerFolder): Parts => {
  const { post_processor: last } = parts;
  if (!TRIMMING_CLASSES.has(folder.className ?? '') || !isObject(last)) return parts;
  const asked = { add_prefix_space: prefixOf(folder), trim_offsets: flag(folder, 'trim_offsets', true) };
  const changed = Object.entries(asked).filter(
    ([name, value]) => typeof last[name] === 'boolean' && last[name] !== value,
  );
  return changed.length === 0 ? parts : { ...parts, post_processor: { ...last, ...Object.fromEntries(changed) } };
};

/**
 * tokenizer.json as the class of the tokenizer in `transformers` changes it by tokenizer_config.json; the same object where nothing changes.
 * @throws `MODEL_INVALID` for a setting of the wrong type, and for a token that tokenizer.json lacks
 */
export const applyClassSettings = (json: Settings, folder: TokenizerFolder): Settings => {
  const { className = '' } = folder;
  const isCased = BERT_CLASSES.has(className) || CASED_CLASSES.has(className);
  const added = withAddedTokens(withTrimming(withPrefixSpace(json, folder), folder), folder);
  const cased = isCased ? withCase(added, folder, className) : added;
  const addsBos = ADDS_BOS.get(className);
  const surrounded = addsBos === undefined ? cased : withSurroundingTokens(cased, folder, addsBos);
  const language = LANGUAGES[className];
  return language === undefined ? surrounded : withLanguage(surrounded, folder, language);
};

/** tokenizer_config.json with the defaults of the class, and with the padding and the side of truncation of tokenizer.json. */
export const completeSettings = (json: Settings, { className, settings }: TokenizerFolder): Settings => {
  const { padding, truncation } = json;
  const { paddingSide } = defaultsOf(className);
  const sideOf = (part: unknown): string | undefined =>
    isObject(part) && typeof part.direction === 'string' ? part.direction.toLowerCase() : undefined;
  const defaults = {
    model_max_length: settings.max_len,
    pad_token: defaultText(className, 'pad_token') ?? (isObject(padding) ? padding.pad_token : undefined),
    unk_token: defaultText(className, 'unk_token'),
    padding_side: sideOf(padding) ?? paddingSide,
    truncation_side: sideOf(truncation),
  };
  return { ...Object.fromEntries(Object.entries(defaults).filter(([, value]) => value !== undefined)), ...settings };
};
