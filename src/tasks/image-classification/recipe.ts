import { jsonValueOf } from '../../core/answer.ts';
import { ZEROS } from '../../core/blank.ts';
import { readLabels, requireSettingsFile } from '../../source/settings-file.ts';
import { answerOne } from '../answer-one.ts';
import { assertClassCount, countElements } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import type { ImageClassificationSettings } from './settings.ts';

export const imageClassification: TaskRecipe<ImageClassificationSettings> = {
  graphs: ['model'],
  example: '<image>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const labels = readLabels(config);
    const preprocessing = await requireSettingsFile(
      source,
      'preprocessor_config.json',
      'the way from images to tensors',
    );
    return {
      settings: {
        labels,
        multiLabel: config.problem_type === 'multi_label_classification' || labels.length === 1,
        preprocessing,
      },
      files: [{ path: 'config.json' }, { path: 'preprocessor_config.json' }],
    };
  },

  /** A blank request asks for all labels. */
  async trialRun(task, model, { labels }) {
    assertClassCount(countElements(jsonValueOf(await answerOne(task, model, task.blank(ZEROS)))), labels);
  },
};
