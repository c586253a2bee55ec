import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { hasFile, type ModelSource, readSettingsFile, type SourceFile } from '../../source/model-source.ts';
import { requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes, twoTexts } from '../text-recipe.ts';
import { POOL_NAMES, type PoolName } from './pooling.ts';
import type { FeatureExtractionSettings } from './settings.ts';

/** The pools by the older fields of 1_Pooling/config.json, which `pooling_mode` replaced, in the order of their results. */
const POOLING_FLAGS: Readonly<Record<string, PoolName>> = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_mean_sqrt_len_tokens: 'mean_sqrt_len_tokens',
  pooling_mode_weightedmean_tokens: 'weightedmean',
  pooling_mode_lasttoken: 'lasttoken',
};

const readPooling = (config: Settings | undefined): PoolName[] => {
  if (config === undefined) return [];
  const { pooling_mode: mode } = config;
  const flagged = Object.entries(POOLING_FLAGS).flatMap(([flag, name]) => (config[flag] === true ? [name] : []));
  const named = mode === undefined ? (flagged.length > 0 ? flagged : ['mean']) : [mode].flat();
  return named.map(
    (name) =>
      POOL_NAMES.find((known) => known === name) ??
      refuse(
        'MODEL_INVALID',
        `1_Pooling/config.json pools by ${JSON.stringify(name)}, served are ${POOL_NAMES.join(', ')}`,
      ),
  );
};

const modulesSchema = v.array(v.object({ type: v.string() }));

const parseModules = (text: string): string[] => {
  try {
    return v.parse(modulesSchema, JSON.parse(text)).map(({ type }) => type.split('.').at(-1) ?? '');
  } catch (error) {
    return refuse('MODEL_INVALID', `modules.json is no list of {"type": "…"}: ${ServingError.from(error).message}`);
  }
};

/** Names in modules.json: the modules of a sentence-transformers model, in the order of their run. */
const readModules = async (source: ModelSource): Promise<string[]> =>
  parseModules(await readFile(join(source.directory, 'modules.json'), 'utf8').catch(() => '[]'));

/** Files that sentence-transformers writes beside its models. */
const SENTENCE_FILES = [
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
];

const presentFiles = async (source: ModelSource, paths: readonly string[]): Promise<SourceFile[]> => {
  const present = await Promise.all(paths.map((path) => hasFile(source, path)));
  return paths.filter((_, index) => present[index]).map((path) => ({ path }));
};

const PROMPTS = 'config_sentence_transformers.json';

const promptsSchema = v.object({
  prompts: v.nullish(v.record(v.string(), v.nullish(v.string(), '')), {}),
  default_prompt_name: v.nullish(v.string()),
});

/** The prompts of sentence-transformers, of which `encode` puts the default one before each text. @throws `MODEL_INVALID` */
const readPrompts = async (
  source: ModelSource,
  pooling: Settings | undefined,
): Promise<Pick<FeatureExtractionSettings, 'prompts' | 'defaultPrompt'>> => {
  const parsed = v.safeParse(promptsSchema, (await readSettingsFile(source, PROMPTS)) ?? {});
  if (!parsed.success) return refuse('MODEL_INVALID', `${PROMPTS}: ${v.summarize(parsed.issues)}`);
  const { prompts, default_prompt_name: name } = parsed.output;
  if (name && !Object.hasOwn(prompts, name))
    refuse('MODEL_INVALID', `"default_prompt_name" in ${PROMPTS} is "${name}", which is none of its "prompts"`);
  if (Object.values(prompts).every((prompt) => prompt === '')) return {};
  if (pooling?.include_prompt === false)
    refuse(
      'MODEL_INVALID',
      `"include_prompt" in 1_Pooling/config.json is false, and the tokens of prompts are always pooled here: remove "prompts" from ${PROMPTS}`,
    );
  return { prompts, ...(name && { defaultPrompt: name }) };
};

/** Modules that the task runs itself; others have to be in the graph. */
const SERVED_MODULES = ['Transformer', 'Pooling', 'Normalize'];

export const featureExtraction: TaskRecipe<FeatureExtractionSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the size of the vocabulary');
    const modules = await readModules(source);
    const { max_seq_length: length, do_lower_case: lowerCase } =
      (await readSettingsFile(source, 'sentence_bert_config.json')) ?? {};
    const pooling = await readSettingsFile(source, '1_Pooling/config.json');
    const prompts = await readPrompts(source, pooling);
    const { defaultPrompt: name = '' } = prompts;
    return {
      settings: {
        ...prompts,
        pooling: readPooling(pooling),
        normalize: modules.includes('Normalize'),
        lowerCase: lowerCase === true,
        graphModules: modules.filter((name) => !SERVED_MODULES.includes(name)),
        maxLength: typeof length === 'number' ? length : readPositions(config),
      },
      resources: await readTextResources(source, config),
      files: await presentFiles(source, ['config.json', ...SENTENCE_FILES]),
      notes: prompts.prompts?.[name]
        ? [
            `the prompt "${name}" is put before each text, as sentence-transformers does: ${show(prompts.prompts[name])}`,
          ]
        : [],
    };
  },

  async trialRun(task, model, { maxLength }) {
    await runBlank(task, model);
    await runExtremes(model, maxLength);
  },

  twoRows: (model, { maxLength }) => twoTexts(model, maxLength),
};
