import type { Tokenizer } from '../../media/text/tokenizer.ts';
import { readLabels, requireSettingsFile } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import { assertClassCount, noteScores } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes, twoTexts } from '../text-recipe.ts';
import type { TokenClassificationSettings } from './settings.ts';

export const tokenClassification: TaskRecipe<TokenClassificationSettings, Tokenizer> = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const note = await noteScores(source);
    return {
      settings: {
        labels: readLabels(config),
        functionToApply: note === undefined ? 'softmax' : 'none',
        maxLength: readPositions(config),
      },
      notes: note === undefined ? [] : [note],
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async trialRun(task, model, { labels, maxLength }) {
    await runBlank(task, model);
    const outputs = await runExtremes(model, maxLength);
    assertClassCount((outputs.logits ?? Object.values(outputs)[0])?.shape[2], labels);
  },

  twoRows: (model, { maxLength }) => twoTexts(model, maxLength),
};
