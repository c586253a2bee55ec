import type * as v from 'valibot';
import { refuse } from '../core/errors.ts';
import { EXTENSION_RECIPES, EXTENSION_TASKS } from './extensions.ts';
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
  summarization: async () => (await import('./summarization/task.ts')).summarization,
  'text-generation': async () => (await import('./text-generation/task.ts')).textGeneration,
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
  summarization: async () => (await import('./summarization/recipe.ts')).summarization,
  'text-generation': async () => (await import('./text-generation/recipe.ts')).textGeneration,
} satisfies { readonly [Name in TaskName]: () => Promise<TaskRecipe<SettingsOf<Name>>> };

/** Tells whether `name` is the name of a task. */
const isBuiltIn = (name: string): name is TaskName => Object.hasOwn(TASKS, name);

for (const name of Object.keys(EXTENSION_TASKS))
  if (isBuiltIn(name)) throw new Error(`extensions/${name} has the name of a task of this project: rename the folder`);

/** The names of all tasks: those of this list, and those of the folder `extensions/`. */
export const taskNames = (): string[] => [...Object.keys(TASKS), ...Object.keys(EXTENSION_TASKS)];

export const isTaskName = (name: string): boolean => taskNames().includes(name);

/** The serving half of a task. @throws `MODEL_INVALID` when this deployment does not know the task */
const taskTypeOf = async ({ name, version, task }: TaskVersion): Promise<TaskType> => {
  if (isBuiltIn(task)) return TASKS[task]();
  const extension = Object.hasOwn(EXTENSION_TASKS, task) ? EXTENSION_TASKS[task] : undefined;
  if (extension === undefined)
    return refuse(
      'MODEL_INVALID',
      `model ${name} version ${version} has the task ${task}, this deployment knows ${taskNames().join(', ')}: deploy again`,
    );
  return (await extension()).task ?? refuse('MODEL_INVALID', `extensions/${task}/task.ts exports no "task"`);
};

/** The recipe of a task. @throws `MODEL_INVALID` when an extension has none */
export const recipeOf = async (task: string): Promise<TaskRecipe> => {
  if (isBuiltIn(task)) return RECIPES[task]();
  const extension = Object.hasOwn(EXTENSION_RECIPES, task) ? EXTENSION_RECIPES[task] : undefined;
  if (extension === undefined)
    return refuse('MODEL_INVALID', `extensions/${task} has no recipe.ts, which says how a folder becomes a model`);
  return (await extension()).recipe ?? refuse('MODEL_INVALID', `extensions/${task}/recipe.ts exports no "recipe"`);
};

/** Checking settings with a thousand labels takes longer than a run of a small model. A bundle lives as long as its loaded model. */
const created = new WeakMap<TaskVersion, Task>();

/** The task of a version. @throws `MODEL_INVALID` when this deployment does not know the task, or the settings are wrong */
export const createTask = async (version: TaskVersion): Promise<Task> => {
  const known = created.get(version);
  if (known !== undefined) return known;
  const task = await createTaskOf(await taskTypeOf(version), version);
  created.set(version, task);
  return task;
};
