import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { readLabels, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import { assertClassCount } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { FunctionName } from '../scores.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';
import type { TextClassificationSettings } from './settings.ts';

/** The function that the Hugging Face pipeline would choose. */
const readFunction = ({ problem_type: problem }: Settings, labels: readonly string[]): FunctionName => {
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels.length === 1 ? 'sigmoid' : 'softmax';
};

export const textClassification: TaskRecipe<TextClassificationSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const labels = readLabels(config);
    return {
      settings: { labels, functionToApply: readFunction(config, labels), maxLength: readPositions(config) },
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async trialRun(task, model, { labels, maxLength }) {
    await runBlank(task, model);
    const outputs = await runExtremes(model, maxLength);
    assertClassCount((outputs.logits ?? Object.values(outputs)[0])?.shape[1], labels);
  },
};
