import type { Blank, Dimensions } from '../core/blank.ts';
import type { Tensors } from '../core/tensor.ts';
import type { ModelSource, SourceFile } from '../source/model-source.ts';
import type { Task, TaskModel } from './task.ts';

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

/** Feeds of a graph: two different rows apart, and both together. */
export interface TwoRows {
  readonly apart: readonly [Tensors, Tensors];
  readonly together: Tensors;
  /** The side on which the shorter row is padded when they are together. */
  readonly paddingSide: 'left' | 'right';
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
  /** An output [N,positions,…] of which the task reads the last position alone: the baked graph computes no other. */
  readonly lastPositionOf?: string;
  /** Example of an input for the command `predict`, such as `<image>`. */
  readonly example: string;
  /** @throws `MODEL_INVALID` with a missing or contradictory setting, and a remedy */
  read(source: ModelSource): Promise<ModelSettings<Settings>>;
  /** Runs the model once, as a request would; left out, a blank request is run. @throws the reason for which the model cannot serve */
  trialRun?(task: Task, model: TaskModel<Resources>, settings: Settings): Promise<void>;
  /**
   * Finds an input that the model answers, for a model without recorded ones; left out, the input that the task makes up serves for all.
   * `dimensions` has the sizes that the person who pushes named. @throws `MODEL_INVALID` with all that was tried
   */
  findBlank?(task: Task, model: TaskModel<Resources>, dimensions: Dimensions): Promise<Blank>;
  /**
   * Rows by which push finds out whether the rows of a batch change each other's answers, by role. Left out, push varies the rows of the trial
   * run, which have one length.
   */
  twoRows?(model: TaskModel<Resources>, settings: Settings): Readonly<Record<string, TwoRows>>;
  /** Finds settings by running the model, before its trial run. @throws the reason for which the model cannot serve */
  findSettings?(model: TaskModel<Resources>, settings: Settings): Promise<Findings>;
}
