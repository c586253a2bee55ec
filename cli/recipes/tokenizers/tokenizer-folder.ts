import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ServingError } from '../../../src/core/errors.ts';
import { show } from '../../../src/core/show.ts';
import { type ModelSource, readSettingsFile } from '../../model-source.ts';
import { refuse, type Settings } from '../settings.ts';
import { parseSentencePieceModel, type SentencePieceModel } from './sentencepiece-file.ts';

/** The largest that are known have some 20 MB. */
const LARGEST_FILE_BYTES = 100_000_000;
/** As the code that serves has it. */
const LARGEST_ID = 0x3ff_ffff;

/** A token that is found in a text as it stands, as `tokenizer.json` writes it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

const namedTokenSchema = v.union([v.string(), v.object({ content: v.string() })]);

const addedTokenSchema = v.object({
  content: v.string(),
  single_word: v.optional(v.boolean(), false),
  lstrip: v.optional(v.boolean(), false),
  rstrip: v.optional(v.boolean(), false),
  normalized: v.optional(v.boolean(), true),
  special: v.optional(v.boolean(), false),
});

/** Runs `parse`; what it refuses names `path`. */
export const naming = <Value>(path: string, parse: () => Value): Value => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof v.ValiError) return refuse(`${path}: ${v.summarize(error.issues)}`);
    return refuse(`${path}: ${ServingError.from(error).message}`);
  }
};

/** The files of a tokenizer of `transformers` that has no tokenizer.json. */
export interface TokenizerFolder {
  readonly directory: string;
  /** tokenizer_config.json, completed by special_tokens_map.json. */
  readonly settings: Settings;
  /** @throws `MODEL_INVALID` when it is missing, or larger than any tokenizer */
  read(path: string): Promise<Buffer>;
}

export const openTokenizerFolder = async (source: ModelSource): Promise<TokenizerFolder> => {
  const { directory } = source;
  const config = (await readSettingsFile(source, 'tokenizer_config.json')) ?? {};
  // Since 4.34 transformers writes everything into the first file, and does not read the second any more.
  const named =
    config.added_tokens_decoder === undefined ? await readSettingsFile(source, 'special_tokens_map.json') : {};
  return {
    directory,
    settings: { ...config, ...named },
    async read(path) {
      const found = await stat(join(directory, path)).catch(() => undefined);
      if (!found?.isFile()) return refuse(`${directory} has no ${path}, which its tokenizer needs`);
      if (found.size > LARGEST_FILE_BYTES)
        return refuse(`${path} has ${found.size} bytes; a tokenizer has at most ${LARGEST_FILE_BYTES}`);
      return readFile(join(directory, path));
    },
  };
};

/** The text of a special token such as `pad_token`. */
export const specialToken = ({ settings }: TokenizerFolder, name: string, otherwise: string): string =>
  naming('tokenizer_config.json', () => {
    const token = v.parse(v.nullish(namedTokenSchema), settings[name], { message: `"${name}" is no token` });
    return (typeof token === 'object' ? token?.content : token) ?? otherwise;
  });

export const additionalSpecialTokens = ({ settings }: TokenizerFolder): string[] =>
  naming('tokenizer_config.json', () =>
    v
      .parse(v.nullish(v.array(namedTokenSchema), []), settings.additional_special_tokens)
      .map((token) => (typeof token === 'string' ? token : token.content)),
  );

/** A setting that is true or false. */
export const flag = ({ settings }: TokenizerFolder, name: string, otherwise: boolean): boolean => {
  const value = settings[name] ?? otherwise;
  return typeof value === 'boolean'
    ? value
    : refuse(`tokenizer_config.json: "${name}" is ${show(value)}; expected true or false`);
};

/** A JSON file of ids by token. @throws `MODEL_INVALID` naming the file */
export const readVocabulary = async (folder: TokenizerFolder, path: string): Promise<Map<string, number>> => {
  const file = await folder.read(path);
  return naming(path, () => parseVocabulary(file.toString()));
};

const parseVocabulary = (text: string): Map<string, number> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('it is no object of ids by token');
  const vocabulary = new Map<string, number>(Object.entries(value));
  const tokens = new Map<number, string>();
  for (const [token, id] of vocabulary) {
    if (!Number.isInteger(id) || id < 0 || id > LARGEST_ID)
      refuse(`the id of ${show(token)} is ${show(id)}; expected an integer from 0 to ${LARGEST_ID}`);
    const other = tokens.get(id);
    if (other !== undefined) refuse(`${show(other)} and ${show(token)} both have the id ${id}`);
    tokens.set(id, token);
  }
  return vocabulary;
};

export const readSentencePiece = async (folder: TokenizerFolder, path: string): Promise<SentencePieceModel> => {
  const file = await folder.read(path);
  return naming(path, () => parseSentencePieceModel(file));
};

/** The id of a token that has to have one. */
export const requireId = (vocabulary: ReadonlyMap<string, number>, token: string, path: string): number =>
  vocabulary.get(token) ?? refuse(`${path} lacks the special token ${show(token)}`);

/** `added_tokens_decoder` of tokenizer_config.json; `undefined` where it is not there, as before 4.34. */
export const recordedTokens = ({ settings }: TokenizerFolder): AddedToken[] | undefined => {
  const { added_tokens_decoder: recorded } = settings;
  if (recorded === undefined) return undefined;
  return naming('tokenizer_config.json: added_tokens_decoder', () =>
    Object.entries(v.parse(v.record(v.pipe(v.string(), v.regex(/^\d{1,8}$/)), addedTokenSchema), recorded)).map(
      ([id, token]) => ({ id: Number(id), ...token }),
    ),
  );
};

/** A special token as `transformers` adds it by default. */
export const addedToken = (id: number, content: string, more: Partial<AddedToken> = {}): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...more,
});

/** Each id once, as the last one has it, in order. */
export const inOrder = (tokens: readonly AddedToken[]): AddedToken[] =>
  [...new Map(tokens.map((token) => [token.id, token])).values()].sort((a, b) => a.id - b.id);
