import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ServingError } from '../../../src/core/errors.ts';
import { show } from '../../../src/core/show.ts';
import { assertNoPointer } from '../../git-lfs.ts';
import { type ModelSource, readSettingsFile } from '../../model-source.ts';
import { refuse, type Settings } from '../settings.ts';
import { parseSentencePieceModel, type SentencePieceModel } from './sentencepiece-file.ts';

/** The largest that are known have some 20 MB. */
const LARGEST_FILE_BYTES = 100_000_000;
/** Of the largest vocabularies that are known, four times. */
const LARGEST_ID = 0xf_ffff;

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
  /** The class that reads them in Python, without `Fast`; undefined when nothing names it. */
  readonly className: string | undefined;
  /** tokenizer_config.json, completed by special_tokens_map.json. */
  readonly settings: Settings;
  /** @throws `MODEL_INVALID` when it is missing, or larger than any tokenizer */
  read(path: string): Promise<Buffer>;
}

/** By `model_type` of config.json, for folders that name no class. */
const CLASS_OF_MODEL: Readonly<Record<string, string>> = {
  marian: 'MarianTokenizer',
  m2m_100: 'M2M100Tokenizer',
  t5: 'T5Tokenizer',
  mt5: 'T5Tokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
  bert: 'BertTokenizer',
  distilbert: 'DistilBertTokenizer',
  electra: 'ElectraTokenizer',
  mobilebert: 'MobileBertTokenizer',
  mpnet: 'MPNetTokenizer',
  roberta: 'RobertaTokenizer',
  bart: 'BartTokenizer',
  longformer: 'LongformerTokenizer',
  gpt2: 'GPT2Tokenizer',
  whisper: 'WhisperTokenizer',
};

export const openTokenizerFolder = async (source: ModelSource): Promise<TokenizerFolder> => {
  const { directory } = source;
  const config = (await readSettingsFile(source, 'tokenizer_config.json')) ?? {};
  // Since 4.34 transformers writes everything into the first file, and does not read the second any more.
  const more = config.added_tokens_decoder === undefined && (await readSettingsFile(source, 'special_tokens_map.json'));
  const model = (await readSettingsFile(source, 'config.json')) ?? {};
  const named = config.tokenizer_class ?? model.tokenizer_class ?? CLASS_OF_MODEL[String(model.model_type)];
  const className = typeof named === 'string' ? named.replace(/Fast$/, '') : undefined;
  return {
    className,
    settings: { ...config, ...more },
    async read(path) {
      const found = await stat(join(directory, path)).catch(() => undefined);
      if (!found?.isFile())
        return refuse(`${directory} has neither tokenizer.json nor ${path}, of which that of a ${className} is made`);
      if (found.size > LARGEST_FILE_BYTES)
        return refuse(`${path} has ${found.size} bytes; a tokenizer has at most ${LARGEST_FILE_BYTES}`);
      const file = await readFile(join(directory, path));
      assertNoPointer(path, file.toString('latin1', 0, 100));
      return file;
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

/**
 * `added_tokens_decoder` of tokenizer_config.json; `undefined` where it is not there, as before 4.34.
 * @throws `MODEL_INVALID` when it contradicts the vocabulary, the file `path`
 */
export const recordedTokens = (
  { settings }: TokenizerFolder,
  vocabulary: ReadonlyMap<string, number>,
  path: string,
): AddedToken[] | undefined => {
  const { added_tokens_decoder: recorded } = settings;
  if (recorded === undefined) return undefined;
  return naming('tokenizer_config.json: added_tokens_decoder', () => {
    const byId = Object.entries(v.parse(v.record(v.string(), addedTokenSchema), recorded));
    const tokens = new Map([...vocabulary].map(([token, id]) => [id, token]));
    return byId.map(([key, token]) => {
      const id = Number(key);
      if (!/^\d+$/.test(key) || id > LARGEST_ID) refuse(`${show(key)} is no id from 0 to ${LARGEST_ID}`);
      const known = vocabulary.get(token.content) ?? id;
      if (known !== id) refuse(`${show(token.content)} has the id ${id}, and ${known} in ${path}`);
      const other = tokens.get(id) ?? token.content;
      if (other !== token.content) refuse(`${id} is ${show(token.content)}, and ${show(other)} in ${path}`);
      return { id, ...token };
    });
  });
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
