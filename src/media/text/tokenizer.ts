import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import type { ReadFile } from '../../core/payload.ts';
import { cleanUpSpaces } from './clean-up-spaces.ts';
import type { AddedToken } from './tokenizer/added-tokens.ts';
import { type Components, readComponents } from './tokenizer/components.ts';
import { type EncodeOptions, type Encoding, encode, toEncoding, tokenise } from './tokenizer/encode.ts';
import type { VocabularyModel } from './tokenizer/vocabulary-model.ts';
import { mostTokens, windowsOf } from './tokenizer/windows.ts';

export type { EncodeOptions, Encoding };

/** Limits from here on count as none: `transformers` writes 10³⁰ for a model without a limit. */
const NO_LIMIT = 1e9;

/** Options of `transformers` for `return_overflowing_tokens`: `maxLength` is `max_length`. */
export interface WindowOptions {
  /** Most tokens of a window, special ones included. */
  readonly maxLength: number;
  /** Tokens that a window shares with the previous window; fewer than `maxLength - addedTokens`. */
  readonly stride: number;
  readonly mostWindows: number;
}

/** A part of the tokens of a text that is too long for the model. */
export interface Window {
  /** The encoding of a text of its own, but with offsets in the whole text. */
  readonly encoding: Encoding;
  /** Number of tokens of the text before the window. */
  readonly start: number;
}

export interface DecodeOptions {
  /** Default: false. */
  readonly skipSpecialTokens?: boolean;
  /** Removes spaces before punctuation; the default is in `tokenizer_config.json`. */
  readonly cleanUp?: boolean;
}

/** A tokenizer with the ids, offsets and texts of Hugging Face's fast tokenizer for the same files. */
export interface Tokenizer {
  encode(text: string, options?: EncodeOptions): Encoding;
  /** Splits a text into windows: at least one, which may be empty; undefined for more than `mostWindows`. */
  windows(text: string, options: WindowOptions): Window[] | undefined;
  decode(ids: readonly number[], options?: DecodeOptions): string;
  tokenId(token: string): number | undefined;
  token(id: number): string | undefined;
  /** Tells whether `skipSpecialTokens` leaves the token out. */
  isSpecial(id: number): boolean;
  /** The UTF-8 of each token within a text, by its id; undefined for special tokens. Undefined for a tokenizer whose tokens have no bytes of their own. */
  bytesOfTokens(): readonly (Uint8Array | undefined)[] | undefined;
  /** The text of tokens from the vocabulary. */
  join(tokens: readonly string[]): string;
  /** Id of the token for unknown text; undefined for a vocabulary without it. */
  readonly unknownId: number | undefined;
  /** Prefix of tokens that continue a word, such as `##`; undefined for a vocabulary without it. */
  readonly subwordPrefix: string | undefined;
  /** The largest id plus 1. */
  readonly vocabSize: number;
  readonly padId: number;
  /** Number of special tokens that are added to a text. */
  readonly addedTokens: number;
  /** Most tokens that the model takes, special tokens included; `Infinity` for files without a limit. */
  readonly maxLength: number;
  readonly paddingSide: 'left' | 'right';
}

/** @throws `MODEL_INVALID` naming the component of `tokenizer.json` or `tokenizer_config.json` that is wrong or unknown */
export const createTokenizer = (tokenizerJson: unknown, tokenizerConfig: unknown): Tokenizer => {
  let components: Components;
  try {
    components = readComponents(tokenizerJson, tokenizerConfig);
  } catch (error) {
    const problem = error instanceof v.ValiError ? v.summarize(error.issues) : ServingError.from(error).message;
    throw new ServingError('MODEL_INVALID', `tokenizer.json or tokenizer_config.json: ${problem}`, { cause: error });
  }
  const { config, postProcessor } = components;
  const vocabulary = createVocabulary(components.model, components.addedTokens);
  const addedTokens = postProcessor?.added(false) ?? 0;
  const specials = new Set(components.addedTokens.filter(({ special }) => special).map(({ content }) => content));
  const idOf = (token: string | null | undefined): number | undefined =>
    token == null ? undefined : vocabulary.tokenId(token);
  const { decode, inTime, bytesOf } = components;
  const join = (tokens: readonly string[]): string => {
    if (decode === undefined) return tokens.join(' ');
    const units = tokens.reduce((sum, { length }) => sum + length, 0);
    return inTime(units, () => decode(tokens).join(''));
  };
  const limit = config.model_max_length ?? Number.POSITIVE_INFINITY;
  const maxLength = limit < NO_LIMIT ? limit : Number.POSITIVE_INFINITY;

  return {
    encode: (text, options = {}) => encode(components, vocabulary.token, text, { maxLength, ...options }),
    windows(text, { maxLength: longest, stride, mostWindows }) {
      const size = longest - addedTokens;
      const most = mostTokens(mostWindows, size, stride);
      const { tokens, count } = tokenise(components, vocabulary.token, text, 0, most);
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
    isSpecial: (id) => specials.has(vocabulary.token(id) ?? ''),
    bytesOfTokens: () =>
      bytesOf &&
      Array.from({ length: vocabulary.vocabSize }, (_, id) => {
        const token = vocabulary.token(id);
        return token === undefined || specials.has(token) ? undefined : bytesOf(token);
      }),
    join,
    unknownId: idOf(config.unk_token ?? components.unk_token),
    subwordPrefix: components.continuing_subword_prefix || undefined,
    addedTokens,
    padId: idOf(config.pad_token) ?? 0,
    maxLength,
    paddingSide: config.padding_side,
  };
};

/** Loads the tokenizer of a version. @throws `MODEL_INVALID` */
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
