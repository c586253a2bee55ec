/** The public contract of extensions: everything that the recipe of a task of the folder `extensions/` may import at push. */

export type { Blank, Dimensions } from '../core/blank.ts';
export { refuse } from '../core/errors.ts';
export { hasFile, type ModelSource, readSettingsFile, type SourceFile } from '../source/model-source.ts';
export { readLabels, requireSettingsFile, type Settings } from '../source/settings-file.ts';
export { answerOne, runBlank } from '../tasks/answer-one.ts';
export type { ModelSettings, TaskRecipe, Unchecked } from '../tasks/recipe.ts';
export type { Task, TaskModel } from '../tasks/task.ts';
