import { ServingError } from '../core/errors.ts';
import type { Signature } from '../core/tensor.ts';
import type { PublishedBundle } from '../repository/bundle.ts';
import type { Task } from '../tasks/task.ts';
import { createTensorTask } from './tensor-task.ts';

type CreateTask = (bundle: PublishedBundle) => Task | Promise<Task>;

/** @throws `MODEL_INVALID` when the bundle has no graph of that role */
export const signatureOf = ({ graphs, name }: PublishedBundle, role = 'model'): Signature => {
  const signature = graphs[role]?.signature;
  if (signature === undefined) throw new ServingError('MODEL_INVALID', `model ${name} has no graph named "${role}"`);
  return signature;
};

/** The model as bare tensors, whatever its task. */
export const createRawTask = ({ name, version, graphs }: PublishedBundle): Task =>
  createTensorTask(name, version, graphs);

/** Every task by the name that stands in a bundle. A task is imported when the first model needs it: no other model waits for its code. */
export const TASKS = {
  tensor: createRawTask,
  'image-classification': async (bundle) =>
    (await import('../tasks/image-classification.ts')).createImageClassification(bundle.settings, signatureOf(bundle)),
  'object-detection': async (bundle) =>
    (await import('../tasks/object-detection.ts')).createObjectDetection(bundle.settings, signatureOf(bundle)),
  recommendation: async (bundle) =>
    (await import('../tasks/recommendation.ts')).createRecommendation(bundle.settings, signatureOf(bundle)),
  'automatic-speech-recognition': async (bundle) =>
    (await import('../tasks/automatic-speech-recognition.ts')).createSpeechRecognition(bundle.settings, (role) =>
      signatureOf(bundle, role),
    ),
  'tabular-classification': async (bundle) =>
    (await import('../tasks/tabular-classification.ts')).createTabularClassification(
      bundle.settings,
      signatureOf(bundle),
    ),
  'tabular-regression': async (bundle) =>
    (await import('../tasks/tabular-regression.ts')).createTabularRegression(bundle.settings, signatureOf(bundle)),
  'token-classification': async (bundle) =>
    (await import('../tasks/token-classification.ts')).createTokenClassification(bundle.settings, signatureOf(bundle)),
  'text-classification': async (bundle) =>
    (await import('../tasks/text-classification.ts')).createTextClassification(bundle.settings, signatureOf(bundle)),
  'feature-extraction': async (bundle) =>
    (await import('../tasks/feature-extraction.ts')).createFeatureExtraction(bundle.settings, signatureOf(bundle)),
  translation: async (bundle) =>
    (await import('../tasks/translation.ts')).createTranslation(
      bundle.settings,
      signatureOf(bundle, 'encoder'),
      signatureOf(bundle, 'decoder'),
    ),
} as const satisfies Record<string, CreateTask>;

export type TaskName = keyof typeof TASKS;

/** Checking settings, a thousand labels among them, takes longer than a small model's run. A bundle goes with the model that it names. */
const created = new WeakMap<PublishedBundle, Task>();

/** @throws `MODEL_INVALID` when this deployment does not know the bundle's task, or its settings are wrong */
export const createTask = async (bundle: PublishedBundle): Promise<Task> => {
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
