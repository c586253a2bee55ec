import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { readLabels, requireSettingsFile } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import { assertClassCount, readFunction } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';
import type { TextClassificationSettings } from './settings.ts';

export const textClassification: TaskRecipe<TextClassificationSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const labels = readLabels(config);
    const { functionToApply, notes } = await readFunction(source, config, labels);
    return {
      settings: { labels, functionToApply, maxLength: readPositions(config) },
      notes,
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
