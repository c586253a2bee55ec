import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { refuse, ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { assertNoPointer } from '../git-lfs.ts';
import { type ModelSource, readSettingsFile } from '../model-source.ts';
import type { Settings } from '../settings-file.ts';
import { CLASS_OF_MODEL } from './class-of-model.ts';
import { parseSentencePieceModel, type SentencePieceModel } from './sentencepiece-file.ts';

/** The largest that are known have some 20 MB. */
const LARGEST_FILE_BYTES = 100_000_000;
/** Four times the size of the largest known vocabularies. */
export const LARGEST_ID = 0xf_ffff;

/** Runs `parse`; what it refuses names `path`. */
export const naming = <Value>(path: string, parse: () => Value): Value => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof v.ValiError) return refuse('MODEL_INVALID', `${path}: ${v.summarize(error.issues)}`);
    return refuse('MODEL_INVALID', `${path}: ${ServingError.from(error).message}`);
  }
};

/** The files of a tokenizer of `transformers` beside tokenizer.json, or in its place. */
export interface TokenizerFolder {
  /** The class that reads them in Python, without `Fast`; undefined when nothing names it. */
  readonly className: string | undefined;
  /** tokenizer_config.json, completed by special_tokens_map.json. */
  readonly settings: Settings;
  /** added_tokens.json, ids by token; empty where tokenizer_config.json records the added tokens. */
  readonly addedTokens: Settings;
  /** @throws `MODEL_INVALID` when it is missing, or larger than any tokenizer */
  read(path: string): Promise<Buffer>;
}

const LIST = 'additional_special_tokens';

/** Both files together name the further special tokens. */
const joinLists = ({ [LIST]: first }: Settings, { [LIST]: second }: Settings): Settings =>
  Array.isArray(first) && Array.isArray(second) ? { [LIST]: [...first, ...second] } : {};

export const openTokenizerFolder = async (source: ModelSource): Promise<TokenizerFolder> => {
  const { directory } = source;
  const config = (await readSettingsFile(source, 'tokenizer_config.json')) ?? {};
  // Since 4.34 transformers writes everything into the first file, and does not read the second any more.
  const isOld = config.added_tokens_decoder === undefined;
  const more = (isOld && (await readSettingsFile(source, 'special_tokens_map.json'))) || {};
  const addedTokens = (isOld && (await readSettingsFile(source, 'added_tokens.json'))) || {};
  const model = (await readSettingsFile(source, 'config.json')) ?? {};
  const named = config.tokenizer_class ?? model.tokenizer_class ?? CLASS_OF_MODEL.get(String(model.model_type));
  const className = typeof named === 'string' ? named.replace(/Fast$/, '') : undefined;
  return {
    className,
    settings: { ...config, ...more, ...joinLists(config, more) },
    addedTokens,
    async read(path) {
      const found = await stat(join(directory, path)).catch(() => undefined);
      if (!found?.isFile())
        return refuse(
          'MODEL_INVALID',
          `${directory} has neither tokenizer.json nor ${path}, of which that of a ${className} is made`,
        );
      if (found.size > LARGEST_FILE_BYTES)
        return refuse(
          'MODEL_INVALID',
          `${path} has ${found.size} bytes; a tokenizer has at most ${LARGEST_FILE_BYTES}`,
        );
      const file = await readFile(join(directory, path));
      assertNoPointer(path, file.toString('latin1', 0, 100));
      return file;
    },
  };
};

/** A setting that is true or false. */
export const flag = ({ settings }: TokenizerFolder, name: string, otherwise: boolean): boolean => {
  const value = settings[name] ?? otherwise;
  return typeof value === 'boolean'
    ? value
    : refuse('MODEL_INVALID', `tokenizer_config.json: "${name}" is ${show(value)}; expected true or false`);
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
    return refuse('MODEL_INVALID', `it is not JSON: ${ServingError.from(error).message}`);
  }
  if (!isObject(value)) return refuse('MODEL_INVALID', 'it is no object of ids by token');
  const vocabulary = new Map<string, number>();
  const tokens = new Map<number, string>();
  for (const [token, id] of Object.entries(value)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > LARGEST_ID)
      return refuse(
        'MODEL_INVALID',
        `the id of ${show(token)} is ${show(id)}; expected an integer from 0 to ${LARGEST_ID}`,
      );
    const other = tokens.get(id);
    if (other !== undefined) refuse('MODEL_INVALID', `${show(other)} and ${show(token)} both have the id ${id}`);
    vocabulary.set(token, id);
    tokens.set(id, token);
  }
  return vocabulary;
};

export const readSentencePiece = async (folder: TokenizerFolder, path: string): Promise<SentencePieceModel> => {
  const file = await folder.read(path);
  return naming(path, () => parseSentencePieceModel(file));
};
