import { refuse } from '../../core/errors.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import type { ModelSource } from '../../source/model-source.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import { assertClassCount, readFunction } from '../classifier-recipe.ts';
import type { ModelSettings, TaskRecipe } from '../recipe.ts';
import { tabularClassification } from '../tabular-classification/recipe.ts';
import { findSettings as findTableSettings } from '../tabular-classification/trial.ts';
import { readColumns } from '../tabular-recipe.ts';
import { readPositions, readTextResources, runExtremes, twoTexts } from '../text-recipe.ts';
import type { TextClassificationSettings } from './settings.ts';

/** The table of one text that a model of terms is; undefined for a model with a tokenizer. @throws `MODEL_INVALID` */
const readTerms = async (
  source: ModelSource,
  config: Settings,
): Promise<ModelSettings<TextClassificationSettings> | undefined> => {
  const columns = readColumns(config);
  if (columns === undefined) return undefined;
  const { settings: terms, ...read } = await tabularClassification.read(source);
  if (columns.length !== 1 || columns[0]?.tokens === undefined || terms.targets !== undefined)
    return refuse(
      'MODEL_INVALID',
      '"columns" in config.json are no single text with "tokens" and one target: a table has the task tabular-classification',
    );
  return {
    ...read,
    settings: { labels: terms.labels ?? terms.classes ?? readLabels(config), functionToApply: 'none', terms },
  };
};

export const textClassification: TaskRecipe<TextClassificationSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const ofTerms = await readTerms(source, config);
    if (ofTerms !== undefined) return ofTerms;
    const labels = readLabels(config);
    const { functionToApply, notes } = await readFunction(source, config, labels);
    return {
      settings: { labels, functionToApply, maxLength: readPositions(config) },
      notes,
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async trialRun(task, model, { labels, maxLength, terms }) {
    await runBlank(task, model);
    if (terms !== undefined) return;
    const outputs = await runExtremes(model, maxLength);
    assertClassCount((outputs.logits ?? Object.values(outputs)[0])?.shape[1], labels);
  },

  twoRows: (model, { maxLength, terms }) => (terms === undefined ? twoTexts(model, maxLength) : {}),

  async findSettings(model, { terms }) {
    if (terms === undefined) return { settings: {}, notes: [] };
    const { settings, notes } = await findTableSettings(model, terms);
    return { settings: { terms: { ...terms, ...settings } }, notes };
  },
};
