import { jsonValueOf } from '../../core/answer.ts';
import { readLabels, refuse, requireSettingsFile } from '../../source/settings-file.ts';
import { answerOne } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';

/** A picture of one black pixel; preprocessing makes of it what the graph takes. */
const BLACK_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC',
  'base64',
);
/** The most that the task takes; ImageNet-21k has 21,843 classes. */
const ALL_LABELS = 100_000;

export const imageClassification: TaskRecipe = {
  graphs: ['model'],
  example: '<picture>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const preprocessing = await requireSettingsFile(source, 'preprocessor_config.json', 'how pictures become tensors');
    return {
      settings: {
        labels: readLabels(config),
        multiLabel: config.problem_type === 'multi_label_classification',
        preprocessing,
      },
      files: [{ path: 'config.json' }, { path: 'preprocessor_config.json' }],
    };
  },

  async tryOut(task, model, { settings }) {
    const request = task.decode({ inputs: BLACK_PNG, contentType: 'image/png', parameters: { top_k: ALL_LABELS } });
    const { length: classes } = jsonValueOf(await answerOne(task, model, request)) as unknown[];
    const { length: labels } = settings.labels as unknown[];
    if (classes !== labels) refuse(`the graph has ${classes} classes, "id2label" in config.json names ${labels}`);
  },
};
