import { readdir } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { createTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { type ModelSource, readSettingsFile, type SourceFile } from '../model-source.ts';
import type { Settings } from '../settings-file.ts';
import { gpt2, roberta, whisper } from './byte-level.ts';
import { applyClassSettings, completeSettings } from './class-settings.ts';
import { nllb, t5, xlmRoberta } from './fast-sentencepiece.ts';
import { m2m100 } from './m2m100.ts';
import { marian } from './marian.ts';
import { probePatterns } from './probe-patterns.ts';
import { openTokenizerFolder, type TokenizerFolder } from './tokenizer-folder.ts';
import { bert, mpnet } from './word-piece.ts';

/** Makes tokenizer.json from the files of a class of `transformers`, whose name is without `Fast`. */
const CLASSES: Readonly<Record<string, (folder: TokenizerFolder) => Promise<object>>> = {
  MarianTokenizer: marian,
  M2M100Tokenizer: m2m100,
  NllbTokenizer: nllb,
  T5Tokenizer: t5,
  MT5Tokenizer: t5,
  XLMRobertaTokenizer: xlmRoberta,
  BertTokenizer: bert,
  DistilBertTokenizer: bert,
  ElectraTokenizer: bert,
  MobileBertTokenizer: bert,
  MPNetTokenizer: mpnet,
  RobertaTokenizer: roberta,
  BartTokenizer: roberta,
  LongformerTokenizer: roberta,
  GPT2Tokenizer: gpt2,
  WhisperTokenizer: whisper,
};

/** Settings of classes that tokenizer_config.json may leave out, beside their special tokens. */
const SETTINGS: Readonly<Record<string, Settings>> = {
  MarianTokenizer: { model_max_length: 512 },
  BertTokenizer: { clean_up_tokenization_spaces: true },
  DistilBertTokenizer: { clean_up_tokenization_spaces: true },
  ElectraTokenizer: { clean_up_tokenization_spaces: true },
  MobileBertTokenizer: { clean_up_tokenization_spaces: true },
  MPNetTokenizer: { clean_up_tokenization_spaces: true },
};

/** Names of the files of a tokenizer of `transformers`. */
const TOKENIZER_FILE = /^(vocab|merges|source|target|spiece|sentencepiece|tokenizer|added_tokens|special_tokens)/;

const refuseFolder = async ({ directory }: ModelSource, name: string | undefined): Promise<never> => {
  const files = (await readdir(directory)).filter((file) => TOKENIZER_FILE.test(file)).sort();
  const found = files.length === 0 ? 'nothing that one is made from' : files.join(', ');
  const reason =
    name === undefined
      ? 'neither tokenizer_config.json nor config.json names the class of its tokenizer'
      : `a ${show(name)} is not converted here`;
  return refuse(
    'MODEL_INVALID',
    `${directory} has no tokenizer.json but ${found}, and ${reason}; make it with: python -c "from transformers import ` +
      `AutoTokenizer; AutoTokenizer.from_pretrained('${directory}', use_fast=True).save_pretrained('${directory}')"`,
  );
};

/** tokenizer.json and tokenizer_config.json as they have to be where the folder has only what a class of Python reads. */
const build = async (source: ModelSource): Promise<readonly [tokenizer: object, config: object]> => {
  const folder = await openTokenizerFolder(source);
  const { className: name } = folder;
  const known = name !== undefined && Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (known === undefined) return refuseFolder(source, name);
  const made = { ...(await known(folder)) };
  return [
    applyClassSettings(made, folder),
    { ...SETTINGS[name ?? ''], ...completeSettings({}, folder), tokenizer_class: name },
  ];
};

/** A tokenizer, and the files that it is loaded from. */
export interface TokenizerSource {
  readonly tokenizer: Tokenizer;
  readonly files: readonly SourceFile[];
}

/**
 * The tokenizer of a model, as tokenizer.json and tokenizer_config.json. Files of the folder are changed where their class in Python does so;
 * files that are missing are made from those of a tokenizer that is written in Python.
 *
 * @throws `MODEL_INVALID` naming the file that is missing, damaged or contradicts another one, and how to mend it
 */
export const readTokenizer = async (source: ModelSource): Promise<TokenizerSource> => {
  const json = await readSettingsFile(source, 'tokenizer.json');
  if (json !== undefined) {
    const own = await readSettingsFile(source, 'tokenizer_config.json');
    const folder = await openTokenizerFolder(source);
    const applied = applyClassSettings(json, folder);
    const config = completeSettings(json, folder);
    return {
      tokenizer: createUsable(applied, config),
      files: [
        { path: 'tokenizer.json', ...(applied !== json && { content: JSON.stringify(applied) }) },
        { path: 'tokenizer_config.json', ...(!isDeepStrictEqual(config, own) && { content: JSON.stringify(config) }) },
      ],
    };
  }
  const [made, config] = await build(source);
  return {
    tokenizer: createUsable(made, config),
    files: [
      { path: 'tokenizer.json', content: JSON.stringify(made) },
      { path: 'tokenizer_config.json', content: JSON.stringify(config) },
    ],
  };
};

/** @throws `MODEL_INVALID` when the special tokens of a text leave no room for it, or its patterns do not end */
const createUsable = (json: object, config: object): Tokenizer => {
  const tokenizer = createTokenizer(json, config);
  probePatterns(json, tokenizer);
  const { length: specials } = tokenizer.encode('', { maxLength: Number.POSITIVE_INFINITY }).ids;
  if (tokenizer.maxLength > specials) return tokenizer;
  return refuse(
    'MODEL_INVALID',
    `tokenizer_config.json: "model_max_length" is ${tokenizer.maxLength}, and the ${specials} special tokens of every text leave no room for one`,
  );
};

/** The files of `readTokenizer`, for who needs no more. */
export const readTokenizerFiles = async (source: ModelSource): Promise<readonly SourceFile[]> =>
  (await readTokenizer(source)).files;
