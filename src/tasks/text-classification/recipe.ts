import { readLabels, refuse, requireSettingsFile, type Settings } from '../../source/settings-file.ts';
import { runBlank } from '../answer-one.ts';
import type { TaskRecipe } from '../recipe.ts';
import { readPositions, readTextResources, runExtremes } from '../text-recipe.ts';

/** What `transformers` leaves out of config.json because every model has it that says nothing else. */
const DEFAULT_LABELS = ['LABEL_0', 'LABEL_1'];

/** As the Hugging Face pipeline chooses. */
const readFunction = ({ problem_type: problem }: Settings, labels: readonly string[]): string => {
  if (problem === 'regression') return 'none';
  return problem === 'multi_label_classification' || labels.length === 1 ? 'sigmoid' : 'softmax';
};

export const textClassification: TaskRecipe = {
  graphs: ['model'],
  example: '<text.txt>',

  async read(source) {
    const config = await requireSettingsFile(source, 'config.json', 'the labels');
    const labels = config.id2label === undefined ? DEFAULT_LABELS : readLabels(config);
    return {
      settings: { labels, functionToApply: readFunction(config, labels), ...readPositions(config) },
      resources: await readTextResources(source, config),
      files: [{ path: 'config.json' }],
    };
  },

  async tryOut(task, model, { settings }) {
    await runBlank(task, model);
    const outputs = await runExtremes(model, settings.maxLength as number | undefined);
    const classes = (outputs.logits ?? Object.values(outputs)[0])?.shape[1];
    const { length: labels } = settings.labels as unknown[];
    if (classes !== labels) refuse(`the graph has ${classes} classes, "id2label" in config.json names ${labels}`);
  },
};
