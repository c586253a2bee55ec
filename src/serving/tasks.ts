import { ServingError } from '../core/errors.ts';
import type { PublishedBundle } from '../repository/bundle.ts';
import { createImageClassification } from '../tasks/image-classification.ts';
import type { Task } from '../tasks/task.ts';
import { createTensorTask } from './tensor-task.ts';

type CreateTask = (bundle: PublishedBundle) => Task;

const signatureOf = ({ graphs, name }: PublishedBundle) => {
  const signature = graphs.model?.signature;
  if (signature === undefined) throw new ServingError('MODEL_INVALID', `model ${name} has no graph named "model"`);
  return signature;
};

const tensor: CreateTask = (bundle) => createTensorTask(bundle.name, bundle.version, signatureOf(bundle));

/** Every task by the name that stands in a bundle. */
export const TASKS = {
  tensor,
  'image-classification': (bundle) => createImageClassification(bundle.settings, signatureOf(bundle)),
} as const satisfies Record<string, CreateTask>;

export type TaskName = keyof typeof TASKS;

/** Checking settings, a thousand labels among them, takes longer than a small model's run. A bundle goes with the model that it names. */
const created = new WeakMap<PublishedBundle, Task>();

/** @throws `MODEL_INVALID` when this deployment does not know the bundle's task, or its settings are wrong */
export const createTask = (bundle: PublishedBundle): Task => {
  const known = created.get(bundle);
  if (known !== undefined) return known;
  const create = Object.hasOwn(TASKS, bundle.task) ? TASKS[bundle.task as TaskName] : undefined;
  if (create === undefined)
    throw new ServingError(
      'MODEL_INVALID',
      `model ${bundle.name} version ${bundle.version} has the task ${bundle.task}, this deployment knows ${Object.keys(TASKS).join(', ')}: deploy again`,
    );
  const task = create(bundle);
  created.set(bundle, task);
  return task;
};

/** The model as bare tensors, whatever its task. */
export const createRawTask = tensor;
