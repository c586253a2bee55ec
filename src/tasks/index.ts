import { ServingError } from '../core/errors.ts';
import type { Signature } from '../core/tensor.ts';
import type { TaskRecipe } from './recipe.ts';
import type { Task, TaskVersion } from './task.ts';
import { createTensorTask } from './tensor/task.ts';

type CreateTask = (bundle: TaskVersion) => Task | Promise<Task>;

/** @throws `MODEL_INVALID` when the bundle has no graph of that role */
export const signatureOf = ({ graphs, name }: TaskVersion, role = 'model'): Signature => {
  const signature = graphs[role]?.signature;
  if (signature === undefined) throw new ServingError('MODEL_INVALID', `model ${name} has no graph named "${role}"`);
  return signature;
};

/** The model as bare tensors, whatever its task. */
export const createRawTask = ({ name, graphs }: TaskVersion): Task => createTensorTask(name, graphs);

/** Every task by the name that stands in a bundle. A task is imported when the first model needs it: no other model waits for its code. */
export const TASKS = {
  tensor: createRawTask,
  'image-classification': async (bundle) =>
    (await import('./image-classification/task.ts')).createImageClassification(bundle.settings, signatureOf(bundle)),
  'object-detection': async (bundle) =>
    (await import('./object-detection/task.ts')).createObjectDetection(bundle.settings, signatureOf(bundle)),
  recommendation: async (bundle) =>
    (await import('./recommendation/task.ts')).createRecommendation(bundle.settings, signatureOf(bundle)),
  'automatic-speech-recognition': async (bundle) =>
    (await import('./automatic-speech-recognition/task.ts')).createSpeechRecognition(bundle.settings, (role) =>
      signatureOf(bundle, role),
    ),
  'tabular-classification': async (bundle) =>
    (await import('./tabular-classification/task.ts')).createTabularClassification(
      bundle.settings,
      signatureOf(bundle),
    ),
  'tabular-regression': async (bundle) =>
    (await import('./tabular-regression/task.ts')).createTabularRegression(bundle.settings, signatureOf(bundle)),
  'token-classification': async (bundle) =>
    (await import('./token-classification/task.ts')).createTokenClassification(bundle.settings, signatureOf(bundle)),
  'text-classification': async (bundle) =>
    (await import('./text-classification/task.ts')).createTextClassification(bundle.settings, signatureOf(bundle)),
  'feature-extraction': async (bundle) =>
    (await import('./feature-extraction/task.ts')).createFeatureExtraction(bundle.settings, signatureOf(bundle)),
  translation: async (bundle) =>
    (await import('./translation/task.ts')).createTranslation(
      bundle.settings,
      signatureOf(bundle, 'encoder'),
      signatureOf(bundle, 'decoder'),
    ),
} as const satisfies Record<string, CreateTask>;

export type TaskName = keyof typeof TASKS;

/** The recipe of each task, for `push`. Functions bundle none of them: esbuild.config.ts leaves `recipe.ts` out. */
export const RECIPES: Readonly<Record<TaskName, () => Promise<TaskRecipe>>> = {
  tensor: async () => (await import('./tensor/recipe.ts')).tensor,
  'image-classification': async () => (await import('./image-classification/recipe.ts')).imageClassification,
  'object-detection': async () => (await import('./object-detection/recipe.ts')).objectDetection,
  recommendation: async () => (await import('./recommendation/recipe.ts')).recommendation,
  'automatic-speech-recognition': async () =>
    (await import('./automatic-speech-recognition/recipe.ts')).automaticSpeechRecognition,
  translation: async () => (await import('./translation/recipe.ts')).translation,
  'tabular-classification': async () => (await import('./tabular-classification/recipe.ts')).tabularClassification,
  'tabular-regression': async () => (await import('./tabular-regression/recipe.ts')).tabularRegression,
  'token-classification': async () => (await import('./token-classification/recipe.ts')).tokenClassification,
  'text-classification': async () => (await import('./text-classification/recipe.ts')).textClassification,
  'feature-extraction': async () => (await import('./feature-extraction/recipe.ts')).featureExtraction,
};

/** Checking settings, a thousand labels among them, takes longer than a small model's run. A bundle goes with the model that it names. */
const created = new WeakMap<TaskVersion, Task>();

/** @throws `MODEL_INVALID` when this deployment does not know the bundle's task, or its settings are wrong */
export const createTask = async (bundle: TaskVersion): Promise<Task> => {
  const known = created.get(bundle);
  if (known !== undefined) return known;
  const create: CreateTask | undefined = Object.hasOwn(TASKS, bundle.task) ? TASKS[bundle.task as TaskName] : undefined;
  if (create === undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `model ${bundle.name} version ${bundle.version} has the task ${bundle.task}, this deployment knows ${Object.keys(TASKS).join(', ')}: deploy again`,
    );
  const task = await create(bundle);
  created.set(bundle, task);
  return task;
};
