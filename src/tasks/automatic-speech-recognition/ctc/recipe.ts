import { refuse } from '../../../core/errors.ts';
import { isObject } from '../../../core/is-object.ts';
import { type ModelSource, readSettingsFile } from '../../../source/model-source.ts';
import { requireSettingsFile, type Settings } from '../../../source/settings-file.ts';
import type { ModelSettings, Unchecked } from '../../recipe.ts';
import { parseSettings } from '../../task-type.ts';
import { type CtcSettings, ctcSchema } from '../settings.ts';

/** The token that a field of tokenizer_config.json names, as text or with its properties. */
const readToken = (config: Settings, field: string, fallback: string): string => {
  const { [field]: value = fallback } = config;
  const token = isObject(value) && 'content' in value ? value.content : value;
  return typeof token === 'string' ? token : refuse('MODEL_INVALID', `"${field}" in tokenizer_config.json is no token`);
};

const readConvolutions = ({
  conv_kernel: kernels,
  conv_stride: strides,
}: Settings): Unchecked<CtcSettings['convolutions'][number]>[] => {
  if (!Array.isArray(kernels) || !Array.isArray(strides) || kernels.length !== strides.length)
    return refuse(
      'MODEL_INVALID',
      'config.json has no "conv_kernel" and "conv_stride" of one length: CTC is served with models that take ' +
        'samples (wav2vec2, HuBERT, WavLM, Data2Vec, UniSpeech, SEW)',
    );
  return kernels.map((kernel, index) => ({ kernel, stride: strides[index] }));
};

/** Tokens added to vocab.json by the tokenizer, by id. */
const readAddedTokens = async (source: ModelSource, config: Settings): Promise<[string, number][]> => {
  const { added_tokens_decoder: decoder } = config;
  if (isObject(decoder))
    return Object.entries(decoder).map(([id, token]) => [readToken({ token }, 'token', ''), Number(id)]);
  return Object.entries((await readSettingsFile(source, 'added_tokens.json')) ?? {}).map(([token, id]) => [
    token,
    Number(id),
  ]);
};

/** The vocabulary, of the language that tokenizer_config.json names when vocab.json has several. */
const chooseVocabulary = (vocabulary: Settings, { target_lang: language }: Settings): Settings => {
  if (language === undefined || language === null) return vocabulary;
  const chosen = vocabulary[String(language)];
  if (isObject(chosen)) return chosen;
  return refuse(
    'MODEL_INVALID',
    `vocab.json has no language ${JSON.stringify(language)}, which tokenizer_config.json names`,
  );
};

/** The token of each id, of the vocabulary and of the tokens added to it. @throws `MODEL_INVALID` for an id that is no whole number */
const readIds = (entries: readonly (readonly [token: string, id: unknown])[]): Map<number, string> => {
  const ids = new Map<number, string>();
  for (const [token, id] of entries) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0)
      return refuse(
        'MODEL_INVALID',
        `vocab.json has no whole number for ${JSON.stringify(token)}; of several languages, name one as "target_lang" in tokenizer_config.json`,
      );
    ids.set(id, token);
  }
  return ids;
};

/** A token for each of the model's outputs. @throws `MODEL_INVALID` when there are more or fewer */
const readTokens = async (source: ModelSource, config: Settings, tokenizer: Settings): Promise<string[]> => {
  const file = await requireSettingsFile(source, 'vocab.json', 'the letters that the outputs stand for');
  const vocabulary = Object.entries(chooseVocabulary(file, tokenizer));
  const ids = readIds([...vocabulary, ...(await readAddedTokens(source, tokenizer))]);
  const { vocab_size: count } = config;
  const tokens = Array.from({ length: Number(count) || 0 }, (_, id) => ids.get(id));
  const missing = tokens.indexOf(undefined);
  if (typeof count !== 'number' || missing >= 0 || vocabulary.some(([, id]) => Number(id) >= count))
    return refuse(
      'MODEL_INVALID',
      `vocab.json and the tokens added to it have ${ids.size} ` +
        `tokens${missing < 0 ? '' : `, none of them with the id ${missing}`}, "vocab_size" in config.json is ` +
        `${count}: vocabulary and model do not belong together`,
    );
  return tokens.filter((token) => token !== undefined);
};

/** Models that give a letter to every few milliseconds of audio: wav2vec 2.0 and its relatives. */
export const ctc = {
  graphs: ['model'],

  async read(source: ModelSource): Promise<ModelSettings<CtcSettings>> {
    const config = await requireSettingsFile(source, 'config.json', 'the kind of model');
    const preprocessor = await requireSettingsFile(
      source,
      'preprocessor_config.json',
      'the way from audio to a tensor',
    );
    const tokenizer = (await readSettingsFile(source, 'tokenizer_config.json')) ?? {};
    const hasTokenizer = Object.keys(tokenizer).length > 0;
    const settings: Unchecked<CtcSettings> = {
      kind: 'ctc',
      tokens: await readTokens(source, config, tokenizer),
      blank: readToken(tokenizer, 'pad_token', '<pad>'),
      unknown: readToken(tokenizer, 'unk_token', '<unk>'),
      wordDelimiter: readToken(tokenizer, 'word_delimiter_token', '|'),
      wordDelimiterText: readToken(tokenizer, 'replace_word_delimiter_char', ' '),
      lowerCase: tokenizer.do_lower_case === true,
      cleanUpSpaces: tokenizer.clean_up_tokenization_spaces === true,
      sampleRate: preprocessor.sampling_rate ?? 16_000,
      normalize: preprocessor.do_normalize !== false,
      padTogether: preprocessor.return_attention_mask === true,
      convolutions: readConvolutions(config),
    };
    return {
      settings: parseSettings('automatic-speech-recognition', ctcSchema, settings),
      files: [
        'config.json',
        'preprocessor_config.json',
        'vocab.json',
        ...(hasTokenizer ? ['tokenizer_config.json'] : []),
      ].map((path) => ({ path })),
    };
  },
};
