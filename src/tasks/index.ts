import type * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import type { TaskRecipe } from './recipe.ts';
import type { Task } from './task.ts';
import { createTaskOf, type TaskType, type TaskVersion } from './task-type.ts';
import { tensor } from './tensor/task.ts';

/** The tasks by their name in a bundle. A task is imported when its first model is used, so that no other model waits for its code. */
export const TASKS = {
  tensor: async () => tensor,
  'image-classification': async () => (await import('./image-classification/task.ts')).imageClassification,
  'object-detection': async () => (await import('./object-detection/task.ts')).objectDetection,
  recommendation: async () => (await import('./recommendation/task.ts')).recommendation,
  'automatic-speech-recognition': async () =>
    (await import('./automatic-speech-recognition/task.ts')).automaticSpeechRecognition,
  'tabular-classification': async () => (await import('./tabular-classification/task.ts')).tabularClassification,
  'tabular-regression': async () => (await import('./tabular-regression/task.ts')).tabularRegression,
  'token-classification': async () => (await import('./token-classification/task.ts')).tokenClassification,
  'text-classification': async () => (await import('./text-classification/task.ts')).textClassification,
  'feature-extraction': async () => (await import('./feature-extraction/task.ts')).featureExtraction,
  translation: async () => (await import('./translation/task.ts')).translation,
} as const satisfies Record<string, () => Promise<TaskType>>;

export type TaskName = keyof typeof TASKS;

type SettingsOf<Name extends TaskName> = v.InferOutput<Awaited<ReturnType<(typeof TASKS)[Name]>>['settings']>;

/**
 * The recipe of each task, for `push`, with settings of the task's own type. Functions bundle no recipe: esbuild.config.ts leaves
 * `recipe.ts` out.
 */
export const RECIPES: Readonly<Record<TaskName, () => Promise<TaskRecipe>>> = {
  tensor: async () => (await import('./tensor/recipe.ts')).tensor,
  'image-classification': async () => (await import('./image-classification/recipe.ts')).imageClassification,
  'object-detection': async () => (await import('./object-detection/recipe.ts')).objectDetection,
  recommendation: async () => (await import('./recommendation/recipe.ts')).recommendation,
  'automatic-speech-recognition': async () =>
    (await import('./automatic-speech-recognition/recipe.ts')).automaticSpeechRecognition,
  'tabular-classification': async () => (await import('./tabular-classification/recipe.ts')).tabularClassification,
  'tabular-regression': async () => (await import('./tabular-regression/recipe.ts')).tabularRegression,
  'token-classification': async () => (await import('./token-classification/recipe.ts')).tokenClassification,
  'text-classification': async () => (await import('./text-classification/recipe.ts')).textClassification,
  'feature-extraction': async () => (await import('./feature-extraction/recipe.ts')).featureExtraction,
  translation: async () => (await import('./translation/recipe.ts')).translation,
} satisfies { readonly [Name in TaskName]: () => Promise<TaskRecipe<SettingsOf<Name>>> };

/** Tells whether `name` is the name of a task. */
export const isTaskName = (name: string): name is TaskName => Object.hasOwn(TASKS, name);

/** Checking settings with a thousand labels takes longer than a run of a small model. A bundle lives as long as its loaded model. */
const created = new WeakMap<TaskVersion, Task>();

/** The task of a version. @throws `MODEL_INVALID` when this deployment does not know the task, or the settings are wrong */
export const createTask = async (version: TaskVersion): Promise<Task> => {
  const known = created.get(version);
  if (known !== undefined) return known;
  if (!isTaskName(version.task))
    throw new ServingError(
      'MODEL_INVALID',
      `model ${version.name} version ${version.version} has the task ${version.task}, this deployment knows ${Object.keys(TASKS).join(', ')}: deploy again`,
    );
  const type: TaskType = await TASKS[version.task]();
  const task = await createTaskOf(type, version);
  created.set(version, task);
  return task;
};
