import { jsonValueOf } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import { hasFile, type ModelSource, readSettingsFile } from '../source/model-source.ts';
import { refuse, type Settings } from '../source/settings-file.ts';
import { answerOne } from './answer-one.ts';
import type { Task, TaskModel } from './task.ts';

export const CONFIG = 'config.json';

/** `"columns"` of config.json: names, or objects of the form that the task parses. */
export const readColumns = ({ columns }: Settings): Settings => {
  if (columns === undefined) return {};
  if (!Array.isArray(columns))
    refuse(`"columns" in ${CONFIG} is no list: ["age", {"name": "port", "categories": ["S", "C"]}]`);
  return { columns: (columns as unknown[]).map((column) => (typeof column === 'string' ? { name: column } : column)) };
};

export const readConfig = async (source: ModelSource) => ({
  config: (await readSettingsFile(source, CONFIG)) ?? {},
  files: (await hasFile(source, CONFIG)) ? [{ path: CONFIG }] : [],
});

/** Answers rows of zeros, through every category that is listed. */
export const answerBlank = async (task: Task, model: TaskModel): Promise<unknown[]> => {
  try {
    return jsonValueOf(await answerOne(task, model, task.blank({}))) as unknown[];
  } catch (error) {
    const { message } = ServingError.from(error);
    if (!/unknown category/i.test(message)) throw error;
    return refuse(
      `an encoder in the graph refuses a category (${message}): list those that it knows in ${CONFIG}, {"columns": [{"name": "port", "categories": ["S", "C"]}, …]}`,
    );
  }
};
