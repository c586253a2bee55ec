import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { createTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { type ModelSource, readSettingsFile, type SourceFile } from '../../source/model-source.ts';
import { requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { readTokenizerFiles } from '../../source/tokenizers/index.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { twoTexts } from '../text-recipe.ts';
import type { Languages, TranslationSettings } from './settings.ts';

/** Tokens that name a language, with its code: of Marian, M2M100, NLLB. */
const MARKER = /^>>(.+)<<$/;
const LANGUAGE_TOKENS = [/^__([a-z]{2,3})__$/, /^([a-z]{3}_[A-Z][a-z]{3})$/];

const PAIR = /^translation_(.+)$/;

/** Tokens of the vocabulary that a pattern matches, by the code that it captures. */
const findTokens = (tokenizer: Tokenizer, patterns: readonly RegExp[]): Record<string, string> => {
  const found: Record<string, string> = {};
  for (let id = 0; id < tokenizer.vocabSize; id += 1) {
    const token = tokenizer.token(id) ?? '';
    for (const pattern of patterns) {
      const [, code] = pattern.exec(token) ?? [];
      if (code !== undefined) found[code] = token;
    }
  }
  return found;
};

type Pairs = Extract<Languages, { by: 'prefix' }>['pairs'];

/** `prefix` and settings of each pair in `task_specific_params` of T5. */
const findPairs = ({ task_specific_params: tasks }: Settings): Pairs => {
  const entries = Object.entries(isObject(tasks) ? tasks : {}).flatMap(([task, settings]) => {
    const [, pair] = PAIR.exec(task) ?? [];
    if (pair === undefined) return [];
    if (!isObject(settings))
      return refuse('MODEL_INVALID', `"task_specific_params" in config.json: "${task}" is no object`);
    const { prefix = '', ...generation } = settings;
    return [[pair, { prefix: String(prefix), generation }] as const];
  });
  return Object.fromEntries(entries);
};

/** The languages of a model, from its tokens and its settings; undefined for a model of one language pair. */
const findLanguages = (tokenizer: Tokenizer, config: Settings, tokenizerConfig: Settings): Languages | undefined => {
  const markers = findTokens(tokenizer, [MARKER]);
  if (Object.keys(markers).length > 0) return { by: 'marker', tokens: markers };
  const tokens = config.model_type === 'm2m_100' ? findTokens(tokenizer, LANGUAGE_TOKENS) : {};
  if (Object.keys(tokens).length > 0) {
    const { src_lang: source, tgt_lang: target, legacy_behaviour: behind } = tokenizerConfig;
    return {
      by: 'token',
      tokens,
      ...(typeof source === 'string' && { source }),
      ...(typeof target === 'string' && { target }),
      behind: behind === true,
    };
  }
  const pairs = findPairs(config);
  return Object.keys(pairs).length > 0 ? { by: 'prefix', pairs } : undefined;
};

/** A JSON file of the version, made at push or of the folder. */
const readResource = async (source: ModelSource, files: readonly SourceFile[], path: string): Promise<Settings> => {
  const { content } = files.find((file) => file.path === path) ?? {};
  if (content === undefined) return requireSettingsFile(source, path, 'the tokenizer');
  const json: unknown = JSON.parse(Buffer.from(content).toString());
  return isObject(json) ? json : refuse('MODEL_INVALID', `${path} is no JSON object`);
};

/** @throws `MODEL_INVALID` when the settings or the tokenizer have a token that the decoder does not know */
const assertVocabulary = (
  tokenizer: Tokenizer,
  vocabulary: number | string | undefined,
  generation: Settings,
): void => {
  if (typeof vocabulary !== 'number') return;
  if (tokenizer.vocabSize > vocabulary)
    refuse(
      'MODEL_INVALID',
      `tokenizer.json has ${tokenizer.vocabSize} tokens, the decoder ${vocabulary}: they are not of the same model`,
    );
  for (const [name, value] of Object.entries(generation)) {
    if (!/_token_ids?$|_words_ids$|suppress_tokens$/.test(name)) continue;
    const wrong = [value].flat(2).find((id) => typeof id === 'number' && id >= vocabulary);
    if (wrong !== undefined)
      refuse(
        'MODEL_INVALID',
        `generation_config.json: "${name}" names token ${wrong}, and the decoder has ${vocabulary}`,
      );
  }
};

export const translation: TaskRecipe<TranslationSettings, Tokenizer> = {
  graphs: ['encoder', 'decoder'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the kind of model');
    const own = await readSettingsFile(source, 'generation_config.json');
    const resources = await readTokenizerFiles(source);
    const json = await readResource(source, resources, 'tokenizer.json');
    const tokenizerConfig = await readResource(source, resources, 'tokenizer_config.json');
    const languages = findLanguages(createTokenizer(json, tokenizerConfig), config, tokenizerConfig);
    const { max_position_embeddings: positions } = config;
    return {
      settings: {
        // Before transformers 4.26 the search's settings stood in config.json.
        generation: own ?? config,
        maxLength: typeof positions === 'number' ? positions : undefined,
        languages,
      },
      resources,
      files: [{ path: 'config.json' }, ...(own === undefined ? [] : [{ path: 'generation_config.json' }])],
    };
  },

  async trialRun(task, model, { generation }) {
    const logits = model.graphs.decoder?.signature.outputs.find(({ name }) => name === 'logits');
    assertVocabulary(model.resources, logits?.shape[2], generation);
    await runBlank(task, model);
  },

  twoRows: (model, { maxLength }) => twoTexts(model, maxLength, 'encoder'),
};
