import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import type { Signature } from '../core/tensor.ts';
import type { Task } from './task.ts';

/** A version of a model as its task sees it before the graphs are loaded. */
export interface TaskVersion {
  readonly name: string;
  readonly version: number;
  /** Name of the task. */
  readonly task: string;
  /** The settings of the bundle, not checked yet. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, { readonly signature: Signature }>>;
}

/** The serving half of a task: makes the task of one version from settings of its own type. */
export interface TaskType<Settings = unknown> {
  /** Checks the settings of a bundle, and of a recipe. */
  readonly settings: v.GenericSchema<unknown, Settings>;
  /** @throws `MODEL_INVALID` when settings and graphs do not fit each other */
  create(settings: Settings, version: TaskVersion): Task | Promise<Task>;
}

/** Checks the settings of `task`. @throws `MODEL_INVALID` with the wrong fields */
export const parseSettings = <Settings>(
  task: string,
  schema: v.GenericSchema<unknown, Settings>,
  settings: unknown,
): Settings => {
  const parsed = v.safeParse(schema, settings);
  if (parsed.success) return parsed.output;
  throw new ServingError('MODEL_INVALID', `${task} settings: ${v.summarize(parsed.issues)}`);
};

/** The task of one version. @throws `MODEL_INVALID` when its settings are wrong, or do not fit its graphs */
export const createTaskOf = async <Settings>(type: TaskType<Settings>, version: TaskVersion): Promise<Task> =>
  type.create(parseSettings(version.task, type.settings, version.settings), version);

/** The signature of the graph of a role. @throws `MODEL_INVALID` when the version has no graph of that role */
export const signatureOf = ({ graphs, name }: TaskVersion, role = 'model'): Signature => {
  const signature = graphs[role]?.signature;
  if (signature === undefined) throw new ServingError('MODEL_INVALID', `model ${name} has no graph named "${role}"`);
  return signature;
};
