import { ServingError } from '../../src/core/errors.ts';
import { answerOne } from '../../src/serving/make-ready.ts';
import type { Task, TaskModel } from '../../src/tasks/task.ts';
import { readGraph } from '../external-data.ts';
import { hasFile, type ModelSource, readSettingsFile } from '../model-source.ts';
import { findClasses } from '../zip-map.ts';
import type { TaskRecipe } from './recipe.ts';
import { readLabels, refuse, type Settings } from './settings.ts';

const CONFIG = 'config.json';

/** `"columns"` of config.json: names, or objects of the form that the task parses. */
const readColumns = ({ columns }: Settings): Settings => {
  if (columns === undefined) return {};
  if (!Array.isArray(columns))
    refuse(`"columns" in ${CONFIG} is no list: ["age", {"name": "port", "categories": ["S", "C"]}]`);
  return { columns: (columns as unknown[]).map((column) => (typeof column === 'string' ? { name: column } : column)) };
};

/** `"id2label"` of config.json, else what the classifier in the graph calls its classes. */
const readClassLabels = async (
  { directory, graphs: { model = '' } }: ModelSource,
  config: Settings,
): Promise<string[]> => {
  const classes = findClasses(await readGraph(directory, model));
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

const readConfig = async (source: ModelSource) => ({
  config: (await readSettingsFile(source, CONFIG)) ?? {},
  files: (await hasFile(source, CONFIG)) ? [{ path: CONFIG }] : [],
});

/** Answers rows of zeros, through every category that is listed. */
const answerBlank = async (task: Task, model: TaskModel): Promise<unknown[]> => {
  try {
    return (await answerOne(task, model, task.blank({}))) as unknown[];
  } catch (error) {
    const { message } = ServingError.from(error);
    if (!/unknown category/i.test(message)) throw error;
    return refuse(
      `an encoder in the graph refuses a category (${message}): list those that it knows in ${CONFIG}, {"columns": [{"name": "port", "categories": ["S", "C"]}, …]}`,
    );
  }
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

export const tabularRegression: TaskRecipe = {
  graphs: ['model'],
  example: '<rows.csv>',

  async read(source) {
    const { config, files } = await readConfig(source);
    return { settings: readColumns(config), files };
  },

  async tryOut(task, model) {
    await answerBlank(task, model);
  },
};
