import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import type { ReadFile } from '../../core/payload.ts';
import { cleanUpSpaces } from './clean-up-spaces.ts';
import type { AddedToken } from './tokenizer/added-tokens.ts';
import { type EncodeOptions, type Encoding, encode, toEncoding, tokenise } from './tokenizer/encode.ts';
import { type Parts, readParts } from './tokenizer/parts.ts';
import type { VocabularyModel } from './tokenizer/vocabulary-model.ts';
import { mostTokens, windowsOf } from './tokenizer/windows.ts';

export type { EncodeOptions, Encoding };

/** `transformers` writes 10³⁰ where it knows no limit. */
const NO_LIMIT = 1e9;

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
