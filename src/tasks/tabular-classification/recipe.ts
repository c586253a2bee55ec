import { refuse } from '../../core/errors.ts';
import { findClasses } from '../../onnx/zip-map.ts';
import type { ModelSource } from '../../source/model-source.ts';
import { readLabels, type Settings } from '../../source/settings-file.ts';
import { assertClassCount, countElements } from '../classifier-recipe.ts';
import type { TaskRecipe } from '../recipe.ts';
import { answerBlank, CONFIG, readColumns, readConfig } from '../tabular-recipe.ts';
import type { TabularClassificationSettings } from './settings.ts';

/** Labels of `"id2label"` in config.json; without it, the class names of the classifier in the graph. */
const readClassLabels = async ({ graphs: { model } }: ModelSource, config: Settings): Promise<string[]> => {
  const classes = model && findClasses(await model.read());
  if (config.id2label === undefined)
    return (
      classes ??
      refuse(
        'MODEL_INVALID',
        `${CONFIG} has no "id2label", which names the classes: {"id2label": {"0": "cat", "1": "dog"}}`,
      )
    );
  const labels = readLabels(config);
  if (classes !== undefined && classes.length === labels.length && classes.every((name) => labels.includes(name)))
    return classes.every((name, index) => name === labels[index])
      ? labels
      : refuse(
          'MODEL_INVALID',
          `"id2label" in ${CONFIG} has the classes as ${labels.join(', ')}, the graph as ${classes.join(', ')}: its order counts`,
        );
  return labels;
};

export const tabularClassification: TaskRecipe<TabularClassificationSettings> = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: { columns: readColumns(config), labels: await readClassLabels(source, config) }, files };
  },

  async trialRun(task, model, { labels }) {
    const rows = await answerBlank(task, model);
    assertClassCount(Array.isArray(rows) ? countElements(rows[0]) : undefined, labels);
  },
};
