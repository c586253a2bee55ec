import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { createTokenizer, type Tokenizer } from '../media/text/tokenizer.ts';
import { type ModelSource, readSettingsFile, type SourceFile } from '../source/model-source.ts';
import { requireSettingsFile, type Settings } from '../source/settings-file.ts';
import { readTokenizerFiles } from '../source/tokenizers/index.ts';
import { runBlank } from './answer-one.ts';
import type { ModelSettings, TaskRecipe } from './recipe.ts';
import { twoTexts } from './text-recipe.ts';

/** Settings of every task that makes texts of texts. */
interface SearchSettings {
  readonly generation: Settings;
  readonly maxLength?: number | undefined;
}

/** A folder of an encoder and a decoder, as a recipe has read it. */
export interface TextToTextFolder extends ModelSettings<SearchSettings> {
  readonly config: Settings;
  readonly tokenizer: Tokenizer;
  readonly tokenizerConfig: Settings;
}

/** A JSON file of the version, made at push or of the folder. */
const readResource = async (source: ModelSource, files: readonly SourceFile[], path: string): Promise<Settings> => {
  const { content } = files.find((file) => file.path === path) ?? {};
  if (content === undefined) return requireSettingsFile(source, path, 'the tokenizer');
  const json: unknown = JSON.parse(Buffer.from(content).toString());
  return isObject(json) ? json : refuse('MODEL_INVALID', `${path} is no JSON object`);
};

/** @throws `MODEL_INVALID` with a missing file */
export const readTextToText = async (source: ModelSource): Promise<TextToTextFolder> => {
  const config = await requireSettingsFile(source, 'config.json', 'the kind of model');
  const own = await readSettingsFile(source, 'generation_config.json');
  const resources = await readTokenizerFiles(source);
  const json = await readResource(source, resources, 'tokenizer.json');
  const tokenizerConfig = await readResource(source, resources, 'tokenizer_config.json');
  const { max_position_embeddings: positions } = config;
  return {
    config,
    tokenizer: createTokenizer(json, tokenizerConfig),
    tokenizerConfig,
    settings: {
      // Before transformers 4.26 the search's settings stood in config.json.
      generation: own ?? config,
      maxLength: typeof positions === 'number' ? positions : undefined,
    },
    resources,
    files: [{ path: 'config.json' }, ...(own === undefined ? [] : [{ path: 'generation_config.json' }])],
  };
};

/** The words before each text; undefined where config.json has none, or null. */
export const readPrefix = (prefix: unknown): string | undefined => (prefix == null ? undefined : String(prefix));

/** `prefix` and search of each task in `task_specific_params` of config.json. @throws `MODEL_INVALID` unless they are objects */
export const readTaskParams = ({ task_specific_params: tasks }: Settings, pattern: RegExp) =>
  Object.entries(isObject(tasks) ? tasks : {}).flatMap(([task, settings]) => {
    const [, name] = pattern.exec(task) ?? [];
    if (name === undefined) return [];
    if (!isObject(settings))
      return refuse('MODEL_INVALID', `"task_specific_params" in config.json: "${task}" is no object`);
    const { prefix, ...generation } = settings;
    return [{ name, prefix: readPrefix(prefix), generation }];
  });

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

/** The recipe of a task that makes texts of texts, but for its reading. */
export const TEXT_TO_TEXT = {
  graphs: ['encoder', 'decoder'],
  example: '<text.txt>',

  async trialRun(task, model, { generation }) {
    const logits = model.graphs.decoder?.signature.outputs.find(({ name }) => name === 'logits');
    assertVocabulary(model.resources, logits?.shape[2], generation);
    await runBlank(task, model);
  },

  twoRows: (model, { maxLength }) => twoTexts(model, maxLength, 'encoder'),
} as const satisfies Omit<TaskRecipe<SearchSettings, Tokenizer>, 'read'>;
