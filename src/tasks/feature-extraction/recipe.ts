import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasFile, type ModelSource, readSettingsFile, type SourceFile } from '../../source/model-source.ts';
import { refuse, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';
import { POOL_NAMES, type PoolName } from './pooling.ts';

/** What 1_Pooling/config.json says was called before sentence-transformers had `pooling_mode`, in the order they are concatenated. */
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
      refuse(`1_Pooling/config.json pools by ${JSON.stringify(name)}, served are ${POOL_NAMES.join(', ')}`),
  );
};

/** Names in modules.json: the parts of a sentence-transformers model, in the order they run. */
const readModules = async (source: ModelSource): Promise<string[]> => {
  const text = await readFile(join(source.directory, 'modules.json'), 'utf8').catch(() => '[]');
  try {
    const modules = JSON.parse(text) as { readonly type: string }[];
    return modules.map(({ type }) => type.split('.').at(-1) ?? '');
  } catch (error) {
    return refuse(`modules.json is no list of {"type": "…"}: ${(error as Error).message}`);
  }
};

/** What sentence-transformers writes beside a model, where it made it. */
const SENTENCE_FILES = ['modules.json', '1_Pooling/config.json', 'sentence_bert_config.json'];

const presentFiles = async (source: ModelSource, paths: readonly string[]): Promise<SourceFile[]> => {
  const present = await Promise.all(paths.map((path) => hasFile(source, path)));
  return paths.filter((_, index) => present[index]).map((path) => ({ path }));
};

/** What the task does itself; anything else has to be in the graph. */
const SERVED_MODULES = ['Transformer', 'Pooling', 'Normalize'];

export const featureExtraction: TaskRecipe = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the size of the vocabulary');
    const modules = await readModules(source);
    const { max_seq_length: length, do_lower_case: lowerCase } =
      (await readSettingsFile(source, 'sentence_bert_config.json')) ?? {};
    return {
      settings: {
        pooling: readPooling(await readSettingsFile(source, '1_Pooling/config.json')),
        normalize: modules.includes('Normalize'),
        lowerCase: lowerCase === true,
        graphModules: modules.filter((name) => !SERVED_MODULES.includes(name)),
        ...readPositions(config),
        ...(typeof length === 'number' && { maxLength: length }),
      },
      resources: await readTextResources(source, config),
      files: await presentFiles(source, ['config.json', ...SENTENCE_FILES]),
    };
  },

  async tryOut(task, model, { settings }) {
    await runBlank(task, model);
    await runExtremes(model, settings.maxLength as number | undefined);
  },
};
