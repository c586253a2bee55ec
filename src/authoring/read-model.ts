import type { Dimensions } from '../core/blank.ts';
import { ServingError } from '../core/errors.ts';
import { isDynamicallyQuantised } from '../onnx/dynamic-quantization.ts';
import type { LocalFile } from '../repository/versions/publish.ts';
import { type ModelSource, withMadeFiles } from '../source/model-source.ts';
import { recipeOf } from '../tasks/index.ts';
import type { ModelSettings, TaskRecipe } from '../tasks/recipe.ts';
import { gatherFiles, toLocalFile } from './gather-files.ts';
import { mapValues } from './map-values.ts';
import { OUTLINE_FILE } from './outline.ts';
import { type PublishedGraph, readGraphs } from './read-graphs.ts';
import type { RecognisedTask } from './recognise-task.ts';
import { toWarmUpInputs } from './warm-up-inputs.ts';

export interface ReadOptions {
  /** Sizes of symbolic dimensions in the trial run. */
  readonly dimensions?: Dimensions;
  /** Limit of the rows that run together. */
  readonly maxBatch?: number;
  /** Files with warm-up inputs, as a caller would send them, that run after each load of the model. */
  readonly warmup?: readonly string[];
}

/** A model as its folder describes it, before any graph is opened. */
export interface ReadModel {
  readonly settings: ModelSettings['settings'];
  /** By role; paths of the version. */
  readonly graphs: Readonly<Record<string, Omit<PublishedGraph, 'file' | 'notes'> & { readonly file: string }>>;
  /** Paths of the files that the task reads besides graphs. */
  readonly resources: readonly string[];
  /** Paths of the warm-up inputs. */
  readonly warmUp: readonly string[];
  readonly dimensions: Dimensions;
  readonly maxBatch: number | undefined;
  /** Nobody has decided yet how many rows run together. */
  readonly compareRows: boolean;
  /** All files of the version. */
  readonly files: readonly LocalFile[];
  readonly notes: readonly string[];
}

/** Names that Optimum gives to the files of graphs, by role. */
const GRAPH_FILES: Readonly<Record<string, string>> = {
  model: 'model.onnx',
  encoder: 'encoder_model.onnx',
  decoder: 'decoder_model_merged.onnx',
};

const assertGraphs = async (
  source: ModelSource,
  { task, reason }: RecognisedTask,
  { graphs: roles }: TaskRecipe,
): Promise<void> => {
  const { directory, graphs } = source;
  const expected = typeof roles === 'function' ? await roles(source) : roles;
  const found = Object.keys(graphs);
  if (expected.length === found.length && expected.every((role) => found.includes(role))) return;
  const needed = expected.map((role) => GRAPH_FILES[role] ?? role).join(' and ');
  const read = Object.values(graphs).map(({ path }) => path);
  throw new ServingError(
    'MODEL_INVALID',
    `the task ${task} (${reason}) needs ${needed}; ${directory} was read as ${read.join(' and ')}`,
  );
};

/**
 * Reads the settings of a model for its task.
 * @throws `MODEL_INVALID` when the task needs other graphs or settings than the folder has
 */
export const readSettings = async (source: ModelSource, recognised: RecognisedTask): Promise<ModelSettings> => {
  const recipe = await recipeOf(recognised.task);
  await assertGraphs(source, recognised, recipe);
  return recipe.read(source);
};

/** Paths of the graphs whose answers for a row depend on the rows beside it. */
const findDependent = async ({ graphs }: ModelSource): Promise<string[]> => {
  const dependent: string[] = [];
  for (const { path, read } of Object.values(graphs)) if (isDynamicallyQuantised(await read())) dependent.push(path);
  return dependent;
};

const noteOneByOne = (path: string): string =>
  `${path} is quantised dynamically, so that an answer would depend on the rows beside it: rows run one by one unless --max-batch says otherwise`;

/**
 * Reads the settings of a model and gathers its files. Files that are made at push are written into the folder `scratch`.
 * The bytes of the graphs are let go of: the engine opens them from their files.
 *
 * @throws `MODEL_INVALID`, `INVALID_REQUEST` saying why it cannot be served
 */
export const readModel = async (
  source: ModelSource,
  recognised: RecognisedTask,
  { dimensions = {}, maxBatch, warmup = [] }: ReadOptions,
  scratch: string,
): Promise<ReadModel> => {
  const { task } = recognised;
  const recipe = await recipeOf(task);
  if (task !== 'tensor' && Object.keys(dimensions).length > 0)
    throw new ServingError('INVALID_REQUEST', `--dimension is for the task tensor: ${task} knows its sizes`);
  if (warmup.length > 0 && Object.keys(dimensions).length > 0)
    throw new ServingError(
      'INVALID_REQUEST',
      '--dimension sizes the input that --warmup replaces; leave one of them out',
    );
  const { settings, resources = [], files: kept = [], notes = [] } = await readSettings(source, recognised);
  const graphs = await readGraphs(source, task);
  const graphFiles = Object.values(graphs).flatMap(({ file, externalData }) => [
    file,
    ...externalData.map((path) => ({ path })),
  ]);
  const inputs = toWarmUpInputs(warmup);
  const ownFiles = [...kept, ...resources, ...(source.conversion ? [{ path: OUTLINE_FILE }] : [])];
  const files = [
    ...(await gatherFiles(source.directory, [...graphFiles, ...withMadeFiles(source, ownFiles)], scratch)),
    ...(await Promise.all(inputs.map(({ path, localPath }) => toLocalFile(path, localPath)))),
  ];
  const dependent = maxBatch === undefined ? await findDependent(source) : [];
  for (const graph of Object.values(source.graphs)) graph.release();
  return {
    settings,
    graphs: mapValues(graphs, ({ file, notes: _notes, ...graph }) => ({ ...graph, file: file.path })),
    resources: resources.map(({ path }) => path),
    warmUp: inputs.map(({ path }) => path),
    dimensions,
    maxBatch: maxBatch ?? (dependent.length > 0 ? 1 : recipe.maxBatch),
    compareRows: maxBatch === undefined && dependent.length === 0 && recipe.maxBatch !== 1,
    files,
    notes: [
      ...(source.conversion?.notes ?? []),
      ...notes,
      ...dependent.map(noteOneByOne),
      ...Object.values(graphs).flatMap((graph) => graph.notes),
    ],
  };
};
