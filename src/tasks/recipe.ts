import type { ModelSource, SourceFile } from '../source/model-source.ts';
import type { Task, TaskModel, TaskVersion } from './task.ts';

/** Sizes of symbolic dimensions by name; those that are not named are 1. */
export type Dimensions = Readonly<Record<string, number>>;

/** What a folder says about its model. */
export interface ModelSettings {
  /** What the task's own code parses when it serves. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Files that the task reads when the model is loaded. */
  readonly resources?: readonly SourceFile[];
  /** What people should know, and need not act upon. */
  readonly notes?: readonly string[];
  /** Files that were read for the settings, kept for people. */
  readonly files?: readonly SourceFile[];
}

/** What `push` needs to know of a task. */
export interface TaskRecipe {
  /** How many rows run together unless `push --max-batch` says otherwise; left out, as many as the bundle's default. */
  readonly maxBatch?: number;
  /** Roles of the graphs that it runs; of a task whose models are of several kinds, those that this folder has to have. */
  readonly graphs: readonly string[] | ((source: ModelSource) => Promise<readonly string[]>);
  /** What `predict` is told to send, such as `<picture>`. */
  readonly example: string;
  /** @throws `MODEL_INVALID` saying what is missing or contradictory, and how to mend it */
  read(source: ModelSource): Promise<ModelSettings>;
  /** Runs the model once, as a request would. Default: `runBlank`. @throws what makes it impossible to serve */
  tryOut?(task: Task, model: TaskModel, version: TaskVersion, dimensions: Dimensions): Promise<void>;
}
