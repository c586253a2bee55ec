import { findClasses } from '../../onnx/zip-map.ts';
import type { ModelSource } from '../../source/model-source.ts';
import { readLabels, refuse, type Settings } from '../../source/settings-file.ts';
import type { TaskRecipe } from '../recipe.ts';
import { answerBlank, CONFIG, readColumns, readConfig } from '../tabular-recipe.ts';

/** `"id2label"` of config.json, else what the classifier in the graph calls its classes. */
const readClassLabels = async ({ graphs: { model } }: ModelSource, config: Settings): Promise<string[]> => {
  const classes = model && findClasses(await model.read());
  if (config.id2label === undefined && classes !== undefined) return classes;
  const labels = readLabels(config);
  if (classes !== undefined && classes.length === labels.length && classes.every((name) => labels.includes(name)))
    return classes.every((name, index) => name === labels[index])
      ? labels
      : refuse(
          `"id2label" in ${CONFIG} has the classes as ${labels.join(', ')}, the graph as ${classes.join(', ')}: its order counts`,
        );
  return labels;
};

export const tabularClassification: TaskRecipe = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: { ...readColumns(config), labels: await readClassLabels(source, config) }, files };
  },

  async tryOut(task, model, { settings }) {
    const [row] = (await answerBlank(task, model)) as unknown[][];
    const { length: labels } = settings.labels as unknown[];
    if (row?.length !== labels) refuse(`the graph has ${row?.length} classes, "id2label" in ${CONFIG} names ${labels}`);
  },
};
