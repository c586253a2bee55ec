import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import type { ReadFile } from '../task.ts';
import { cleanUpSpaces } from './clean-up-spaces.ts';
import { type AddedToken, addedTokensSchema, createSections } from './tokenizer/added-tokens.ts';
import { createBpe } from './tokenizer/bpe.ts';
import { createDecoder } from './tokenizer/decoders.ts';
import { createNormalizer } from './tokenizer/normalizers.ts';
import { createPostProcessor, type Token } from './tokenizer/post-processors.ts';
import { createPreTokenizer } from './tokenizer/pre-tokenizers.ts';
import { createKind } from './tokenizer/schemas.ts';
import { createSentencePiece } from './tokenizer/sentencepiece/sentencepiece-model.ts';
import { createUnigram } from './tokenizer/unigram.ts';
import type { VocabularyModel } from './tokenizer/vocabulary-model.ts';
import { mostTokens, windowsOf } from './tokenizer/windows.ts';
import { createWordPiece } from './tokenizer/word-piece.ts';

/** Tokens of a text or of a pair, one entry per token in every list. */
export interface Encoding {
  ids: number[];
  typeIds: number[];
  /** Where each token stands in the caller's own string, in UTF-16 units; `[0, 0]` for those that were added. */
  offsets: (readonly [start: number, end: number])[];
  /** Whether the token was added around the text. */
  special: boolean[];
  /** 0 for the text, 1 for its pair. */
  sequence: (0 | 1 | undefined)[];
  /** Number of the word in its text, as `word_ids` of Hugging Face's fast tokenizers. */
  wordIds: (number | undefined)[];
  /** How many tokens there were before the cut, when there was one. */
  truncatedFrom?: number;
}

export interface EncodeOptions {
  /** An empty one is none, as in `transformers`. */
  readonly pair?: string;
  /** Default true. */
  readonly addSpecialTokens?: boolean;
  /** Most tokens, special ones included; default `Tokenizer.maxLength`, `Infinity` for no cut. */
  readonly maxLength?: number;
}

/** As `max_length` and `stride` of `transformers` with `return_overflowing_tokens`. */
export interface WindowOptions {
  /** Most tokens of a window, special ones included. */
  readonly maxLength: number;
  /** How many tokens a window has in common with the one before; below `maxLength - addedTokens`. */
  readonly stride: number;
  readonly mostWindows: number;
}

/** A part of the tokens of a text that is too long for the model. */
export interface Window {
  /** As of a text of its own, with offsets into the whole one. */
  readonly encoding: Encoding;
  /** How many tokens of the text come before. */
  readonly start: number;
}

export interface DecodeOptions {
  /** Default false. */
  readonly skipSpecialTokens?: boolean;
  /** No spaces before punctuation; default as `tokenizer_config.json` says. */
  readonly cleanUp?: boolean;
}

/** Ids, offsets and texts are those of Hugging Face's fast tokenizer for the same files. */
export interface Tokenizer {
  encode(text: string, options?: EncodeOptions): Encoding;
  /** The whole of a text in windows, one when all fits, which may be empty; undefined when they would be more than asked for. */
  windows(text: string, options: WindowOptions): Window[] | undefined;
  decode(ids: readonly number[], options?: DecodeOptions): string;
  tokenId(token: string): number | undefined;
  token(id: number): string | undefined;
  /** Tokens, as the vocabulary writes them, as they read together. */
  join(tokens: readonly string[]): string;
  /** Stands for what the vocabulary has nothing for; undefined when there is no such token. */
  readonly unknownId: number | undefined;
  /** Begins tokens that go on with a word, such as `##`; undefined when tokens do not tell. */
  readonly subwordPrefix: string | undefined;
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly padId: number;
  /** How many special tokens are put around a text. */
  readonly addedTokens: number;
  /** Most tokens that the model takes, special ones included; `Infinity` when the files do not say. */
  readonly maxLength: number;
  readonly paddingSide: 'left' | 'right';
}

const tokenizerSchema = v.object({
  added_tokens: v.optional(addedTokensSchema, []),
  normalizer: v.optional(v.unknown()),
  pre_tokenizer: v.optional(v.unknown()),
  model: v.unknown(),
  post_processor: v.optional(v.unknown()),
  decoder: v.optional(v.unknown()),
});

const sideSchema = v.optional(v.picklist(['left', 'right']), 'right');

const nameSchema = v.nullish(
  v.union([
    v.string(),
    v.pipe(
      v.object({ content: v.string() }),
      v.transform(({ content }) => content),
    ),
  ]),
);

/** What every kind of model may have, and this file needs of it. */
const modelSchema = v.object({ unk_token: v.nullish(v.string()), continuing_subword_prefix: v.nullish(v.string()) });

const configSchema = v.object({
  model_max_length: v.nullish(v.number()),
  padding_side: sideSchema,
  truncation_side: sideSchema,
  clean_up_tokenization_spaces: v.nullish(v.boolean()),
  pad_token: nameSchema,
  unk_token: nameSchema,
});

/** `transformers` writes 10³⁰ where it knows no limit. */
const NO_LIMIT = 1e9;

const MODELS: Readonly<Record<string, (config: unknown) => VocabularyModel>> = {
  BPE: createBpe,
  SentencePiece: createSentencePiece,
  Unigram: createUnigram,
  WordPiece: createWordPiece,
};

type Parts = ReturnType<typeof readParts>;

const readParts = (tokenizerJson: unknown, tokenizerConfig: unknown) => {
  const json = v.parse(tokenizerSchema, tokenizerJson);
  const config = v.parse(configSchema, tokenizerConfig);
  const model = createKind('model', MODELS, json.model);
  const normalise = json.normalizer == null ? undefined : createNormalizer(json.normalizer);
  return {
    config,
    model,
    ...v.parse(modelSchema, json.model),
    addedTokens: json.added_tokens,
    sections: createSections(json.added_tokens, normalise ?? ((text) => text)),
    preTokenise: json.pre_tokenizer == null ? undefined : createPreTokenizer(json.pre_tokenizer),
    postProcessor: json.post_processor == null ? undefined : createPostProcessor(json.post_processor),
    decode: json.decoder == null ? undefined : createDecoder(json.decoder),
  };
};

/** @throws `MODEL_INVALID` saying which part of `tokenizer.json` or `tokenizer_config.json` is wrong or not known */
export const createTokenizer = (tokenizerJson: unknown, tokenizerConfig: unknown): Tokenizer => {
  let parts: Parts;
  try {
    parts = readParts(tokenizerJson, tokenizerConfig);
  } catch (error) {
    const problem = error instanceof v.ValiError ? v.summarize(error.issues) : (error as Error).message;
    throw new ServingError('MODEL_INVALID', `tokenizer.json or tokenizer_config.json: ${problem}`, { cause: error });
  }
  const { config, postProcessor } = parts;
  const vocabulary = createVocabulary(parts.model, parts.addedTokens);
  const addedTokens = postProcessor?.added(false) ?? 0;
  const specials = new Set(parts.addedTokens.filter(({ special }) => special).map(({ content }) => content));
  const idOf = (token: string | null | undefined): number | undefined =>
    token == null ? undefined : vocabulary.tokenId(token);
  const join = (tokens: readonly string[]): string =>
    parts.decode === undefined ? tokens.join(' ') : parts.decode(tokens).join('');
  const limit = config.model_max_length ?? Number.POSITIVE_INFINITY;
  const maxLength = limit < NO_LIMIT ? limit : Number.POSITIVE_INFINITY;

  return {
    encode: (text, options = {}) => encode(parts, vocabulary.token, text, { maxLength, ...options }),
    windows(text, { maxLength: longest, stride, mostWindows }) {
      const size = longest - addedTokens;
      const most = mostTokens(mostWindows, size, stride);
      const { tokens, count } = tokenise(parts, vocabulary.token, text, 0, most);
      if (count > most) return undefined;
      return windowsOf(count, size, stride).map(([start, end]): Window => {
        const sequences = [tokens.slice(start, end)];
        return { encoding: toEncoding((postProcessor?.process(sequences, true, [text]) ?? sequences).flat()), start };
      });
    },
    decode(ids, { skipSpecialTokens = false, cleanUp = config.clean_up_tokenization_spaces ?? false } = {}) {
      const tokens = ids
        .map((id) => vocabulary.token(id))
        .filter((token) => token !== undefined)
        .filter((token) => !(skipSpecialTokens && specials.has(token)));
      const text = join(tokens);
      return cleanUp ? cleanUpSpaces(text) : text;
    },
    ...vocabulary,
    join,
    unknownId: idOf(config.unk_token ?? parts.unk_token),
    subwordPrefix: parts.continuing_subword_prefix || undefined,
    addedTokens,
    padId: idOf(config.pad_token) ?? 0,
    maxLength,
    paddingSide: config.padding_side,
  };
};

/** The tokenizer of a bundle. @throws `MODEL_INVALID` */
export const loadTokenizer = async (read: ReadFile): Promise<Tokenizer> => {
  const readJson = async (path: string): Promise<unknown> => JSON.parse(Buffer.from(await read(path)).toString());
  return createTokenizer(await readJson('tokenizer.json'), await readJson('tokenizer_config.json'));
};

const createVocabulary = ({ ids, targetIds = ids }: VocabularyModel, addedTokens: readonly AddedToken[]) => {
  const addedIds = new Map(addedTokens.map(({ content, id }) => [content, id]));
  const tokens: string[] = [];
  for (const [token, id] of targetIds) tokens[id] = token;
  for (const { content, id } of addedTokens) tokens[id] = content;
  return {
    tokenId: (token: string) => addedIds.get(token) ?? ids.get(token),
    token: (id: number) => tokens[id],
    vocabSize: tokens.length,
  };
};

interface Tokens {
  readonly tokens: readonly Token[];
  /** How many the text has in all. */
  readonly count: number;
}

/** The first `most` tokens of one text, without special ones. */
const tokenise = (
  { sections, preTokenise, model }: Parts,
  toToken: (id: number) => string | undefined,
  text: string,
  sequence: 0 | 1,
  most: number,
): Tokens => {
  const tokens: Token[] = [];
  let count = 0;
  let wordId = 0;
  const add = (id: number, tokenText: string, offsets: Token['offsets']): void => {
    if (count++ >= most) return; // of a long text that is cut, most tokens would be made in vain
    tokens.push({ typeId: sequence, special: false, sequence, id, text: tokenText, offsets, wordId });
  };
  for (const section of sections(text)) {
    if (section.id !== undefined) {
      add(section.id, section.text.text, section.text.original(0, section.text.text.length));
      wordId++;
      continue;
    }
    for (const word of preTokenise === undefined ? [section.text] : preTokenise(section.text)) {
      for (const { id, start, end } of model.cut(word.text)) add(id, toToken(id) ?? '', word.original(start, end));
      wordId++;
    }
  }
  return { tokens, count };
};

/** How many tokens of each text to keep so that `room` holds them: the longer one gives way first. */
const shares = (first: number, second: number, room: number): [first: number, second: number] => {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second);
  let longer = shorter > room ? shorter : Math.max(shorter, room - shorter);
  let least = shorter;
  if (least + longer > room) {
    least = Math.floor(room / 2);
    longer = least + (room % 2);
  }
  return first > second ? [longer, least] : [least, longer];
};

const encode = (
  parts: Parts,
  toToken: (id: number) => string | undefined,
  text: string,
  { pair, addSpecialTokens = true, maxLength = Number.POSITIVE_INFINITY }: EncodeOptions,
): Encoding => {
  const { postProcessor, config } = parts;
  const isCutRight = config.truncation_side === 'right';
  const most = isCutRight ? maxLength : Number.POSITIVE_INFINITY;
  const texts = pair ? [text, pair] : [text]; // an empty pair is none
  const tokenised = texts.map((one, sequence) => tokenise(parts, toToken, one, sequence as 0 | 1, most));
  const added = addSpecialTokens ? (postProcessor?.added(texts.length > 1) ?? 0) : 0;
  const [first = 0, second = 0] = tokenised.map(({ count }) => count);
  const kept = shares(first, second, Math.max(maxLength - added, 0));
  const sequences = tokenised.map(({ tokens }, index) => {
    const keep = kept[index] ?? 0;
    return isCutRight ? tokens.slice(0, keep) : tokens.slice(tokens.length - keep);
  });
  const tokens = (postProcessor?.process(sequences, addSpecialTokens, texts) ?? sequences).flat();
  const total = first + second + added;
  return { ...toEncoding(tokens), ...(total > maxLength ? { truncatedFrom: total } : {}) };
};

const toEncoding = (tokens: readonly Token[]): Encoding => ({
  ids: tokens.map(({ id }) => id),
  typeIds: tokens.map(({ typeId }) => typeId),
  offsets: tokens.map(({ offsets }) => offsets),
  special: tokens.map(({ special }) => special),
  sequence: tokens.map(({ sequence }) => sequence),
  wordIds: tokens.map(({ wordId }) => wordId),
});
