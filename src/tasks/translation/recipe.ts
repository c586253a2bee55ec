import { createTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { type ModelSource, readSettingsFile, type SourceFile } from '../../source/model-source.ts';
import { refuse, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { readTokenizerFiles } from '../../source/tokenizers/index.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { Languages } from './languages.ts';

/** What tokens that name a language look like, with its code: of Marian, M2M100, NLLB. */
const MARKER = /^>>(.+)<<$/;
const LANGUAGE_TOKENS = [/^__([a-z]{2,3})__$/, /^([a-z]{3}_[A-Z][a-z]{3})$/];

const PAIR = /^translation_(.+)$/;

/** Tokens of the vocabulary that one of `patterns` matches, by what it captures. */
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

/** `prefix` and settings of each pair in T5's `task_specific_params`. */
const findPairs = ({ task_specific_params: tasks }: Settings): Extract<Languages, { by: 'prefix' }>['pairs'] =>
  Object.fromEntries(
    Object.entries((tasks ?? {}) as Readonly<Record<string, unknown>>).flatMap(([task, settings]) => {
      const [, pair] = PAIR.exec(task) ?? [];
      if (pair === undefined) return [];
      if (typeof settings !== 'object' || settings === null)
        return refuse(`"task_specific_params" in config.json: "${task}" is no object`);
      const { prefix = '', ...generation } = settings as Readonly<Record<string, unknown>>;
      return [[pair, { prefix: String(prefix), generation }]];
    }),
  );

/** How the model is told its languages, from its tokens and its settings; undefined when it translates one pair. */
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
  return JSON.parse(Buffer.from(content).toString()) as Settings;
};

/** @throws `MODEL_INVALID` when tokens that the settings or the tokenizer speak of are none of the decoder's */
const assertVocabulary = (
  tokenizer: Tokenizer,
  vocabulary: number | string | undefined,
  generation: Settings,
): void => {
  if (typeof vocabulary !== 'number') return;
  if (tokenizer.vocabSize > vocabulary)
    refuse(
      `tokenizer.json has ${tokenizer.vocabSize} tokens, the decoder ${vocabulary}: they are not of the same model`,
    );
  for (const [name, value] of Object.entries(generation)) {
    if (!/_token_ids?$|_words_ids$|suppress_tokens$/.test(name)) continue;
    const wrong = [value].flat(2).find((id) => typeof id === 'number' && id >= vocabulary);
    if (wrong !== undefined)
      refuse(`generation_config.json: "${name}" names token ${wrong}, and the decoder has ${vocabulary}`);
  }
};

export const translation: TaskRecipe = {
  graphs: ['encoder', 'decoder'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'what the model is');
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
        ...(typeof positions === 'number' && { maxLength: positions }),
        ...(languages !== undefined && { languages }),
      },
      resources,
      files: [{ path: 'config.json' }, ...(own === undefined ? [] : [{ path: 'generation_config.json' }])],
    };
  },

  async tryOut(task, model, { settings }) {
    const logits = model.graphs.decoder?.signature.outputs.find(({ name }) => name === 'logits');
    assertVocabulary(model.resources as Tokenizer, logits?.shape[2], settings.generation as Settings);
    await runBlank(task, model);
  },
};
