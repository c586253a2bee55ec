import * as v from 'valibot';
import { jsonValueOf } from '../core/answer.ts';
import { type Blank, ZEROS } from '../core/blank.ts';
import { refuse, ServingError } from '../core/errors.ts';
import { type ColumnSettings, columnsSchema } from '../media/table/table.ts';
import { hasFile, type ModelSource, readSettingsFile, type SourceFile } from '../source/model-source.ts';
import type { Settings } from '../source/settings-file.ts';
import { answerOne } from './answer-one.ts';
import type { TaskRecipe } from './recipe.ts';
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

/** Ones are tried for models to which zeros are no numbers, such as those of logarithms. */
const BLANKS: readonly Blank[] = [ZEROS, { ...ZEROS, value: 1 }];

/**
 * Finds rows that the model has numbers for, which go through every category of the settings.
 * @returns the message of the first failure when there are none
 * @throws `MODEL_INVALID` for an unknown category, and the error of any other failure
 */
const findAnswered = async (task: Task, model: TaskModel): Promise<Blank | string> => {
  let reason: string | undefined;
  for (const blank of BLANKS)
    try {
      jsonValueOf(await answerOne(task, model, task.blank(blank)));
      return blank;
    } catch (error) {
      const { code, message } = ServingError.from(error);
      if (/unknown category/i.test(message))
        return refuse(
          'MODEL_INVALID',
          `an encoder in the graph refuses a category (${message}): list its categories in ${CONFIG}, {"columns": ` +
            '[{"name": "port", "categories": ["S", "C"]}, …]}',
        );
      if (code !== 'INVALID_INPUT') throw error;
      reason ??= message;
    }
  return reason ?? '';
};

/** The trial run of a recipe for tables. A model that has numbers for neither zeros nor ones may have some for its warm-up inputs. */
export const tableTrial: Pick<Required<TaskRecipe>, 'trialRun' | 'findBlank'> = {
  async trialRun(task, model) {
    await findAnswered(task, model);
  },

  async findBlank(task, model) {
    const blank = await findAnswered(task, model);
    if (typeof blank !== 'string') return blank;
    return refuse(
      'MODEL_INVALID',
      `it failed on a row of zeros, and on one of ones: ${blank}. Give rows that it answers with --warmup <request.json>`,
    );
  },
};
