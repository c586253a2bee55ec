import type { ModelSource, SourceFile } from '../source/model-source.ts';
import type { Task, TaskModel } from './task.ts';

/** Sizes of symbolic dimensions by name; others are 1. */
export type Dimensions = Readonly<Record<string, number>>;

type StoredSettings = Readonly<Record<string, unknown>>;

/** Settings with values from files, which the schema of the task has not checked yet. */
export type Unchecked<Settings> = { readonly [Field in keyof Settings]: unknown };

/** A folder as a recipe has read it. */
export interface ModelSettings<Settings = StoredSettings> {
  /** For the serving half of the task. */
  readonly settings: Settings;
  /** Files that the task reads when the model is loaded. */
  readonly resources?: readonly SourceFile[];
  /** Remarks for people, which need no action. */
  readonly notes?: readonly string[];
  /** Files from which the settings were read, kept for people. */
  readonly files?: readonly SourceFile[];
}

/** Results of running a model, beside those of reading its files. */
export interface Findings {
  /** Further settings. */
  readonly settings: StoredSettings;
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

/**
 * The half of a task that `push` runs. Push keeps recipes as `TaskRecipe`, without the types of their settings and resources. It hands a trial
 * run only the settings that `read` of the same recipe returned, and the resources that the task loaded.
 */
export interface TaskRecipe<Settings = StoredSettings, Resources = unknown> {
  /** Most rows that run together unless `push --max-batch` says otherwise; left out, the default of bundles counts. */
  readonly maxBatch?: number;
  /** Roles of the graphs that the task runs; a function where they depend on the folder. */
  readonly graphs: readonly string[] | ((source: ModelSource) => Promise<readonly string[]>);
  /** Example of an input for the command `predict`, such as `<image>`. */
  readonly example: string;
  /** @throws `MODEL_INVALID` with a missing or contradictory setting, and a remedy */
  read(source: ModelSource): Promise<ModelSettings<Settings>>;
  /** Runs the model once, as a request would; left out, a blank request is run. @throws the reason for which the model cannot serve */
  trialRun?(task: Task, model: TaskModel<Resources>, settings: Settings, dimensions: Dimensions): Promise<void>;
  /** Finds settings by running the model, before its trial run. @throws the reason for which the model cannot serve */
  findSettings?(model: TaskModel<Resources>, settings: Settings): Promise<Findings>;
}
