import * as v from 'valibot';
import { jsonValueOf } from '../core/answer.ts';
import { ZEROS } from '../core/blank.ts';
import { refuse, ServingError } from '../core/errors.ts';
import { type ColumnSettings, columnsSchema } from '../media/table/table.ts';
import { hasFile, type ModelSource, readSettingsFile, type SourceFile } from '../source/model-source.ts';
import type { Settings } from '../source/settings-file.ts';
import { answerOne } from './answer-one.ts';
import type { Task, TaskModel } from './task.ts';

export const CONFIG = 'config.json';

/** `"columns"` of config.json: names, or objects of the form that the task parses; undefined when there are none. @throws `MODEL_INVALID` */
export const readColumns = ({ columns }: Settings): ColumnSettings[] | undefined => {
  if (columns === undefined) return undefined;
  if (!Array.isArray(columns))
    return refuse(
      'MODEL_INVALID',
      `"columns" in ${CONFIG} is no list: ["age", {"name": "port", "categories": ["S", "C"]}]`,
    );
  const parsed = v.safeParse(
    columnsSchema,
    columns.map((column: unknown) => (typeof column === 'string' ? { name: column } : column)),
  );
  return parsed.success
    ? parsed.output
    : refuse('MODEL_INVALID', `"columns" in ${CONFIG}: ${v.summarize(parsed.issues)}`);
};

/** config.json, empty when the folder has none, and the file itself for the version. */
export const readConfig = async (source: ModelSource): Promise<{ config: Settings; files: SourceFile[] }> => ({
  config: (await readSettingsFile(source, CONFIG)) ?? {},
  files: (await hasFile(source, CONFIG)) ? [{ path: CONFIG }] : [],
});

/** Answers rows of zeros, which go through every category of the settings. @throws `MODEL_INVALID` for an unknown category */
export const answerBlank = async (task: Task, model: TaskModel): Promise<unknown> => {
  try {
    return jsonValueOf(await answerOne(task, model, task.blank(ZEROS)));
  } catch (error) {
    const { message } = ServingError.from(error);
    if (!/unknown category/i.test(message)) throw error;
    return refuse(
      'MODEL_INVALID',
      `an encoder in the graph refuses a category (${message}): list its categories in ${CONFIG}, {"columns": ` +
        '[{"name": "port", "categories": ["S", "C"]}, …]}',
    );
  }
};
