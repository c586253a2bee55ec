import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { hashFile } from '../repository/versions/file-hash.ts';
import { type Draft, type LocalFile, toCandidate } from '../repository/versions/publish.ts';
import type { ModelSource, SourceFile } from '../source/model-source.ts';
import { runBlank } from '../tasks/answer-one.ts';
import { createTask, RECIPES } from '../tasks/index.ts';
import type { Dimensions, TaskRecipe } from '../tasks/recipe.ts';
import type { TaskModel } from '../tasks/task.ts';
import { type Baked, bake, type RecordedRun, recordRuns } from './bake.ts';
import { openGraph, openGraphs, readGraphs, release } from './graphs.ts';
import type { RecognisedTask } from './recognise-task.ts';
import { runWarmUp, toWarmUpInputs } from './warm-up-inputs.ts';

export interface PrepareOptions {
  /** For the trial run. */
  readonly dimensions?: Dimensions;
  /** How many rows may run together. */
  readonly maxBatch?: number;
  /** Whether graphs are written as they load fastest. Default true. */
  readonly bake?: boolean;
  /** Files with inputs, as a caller would send them, that are run whenever the model has been loaded. */
  readonly warmup?: readonly string[];
}

/** What a version consists of, before it is one. */
export interface PreparedModel {
  readonly draft: Draft;
  readonly files: readonly LocalFile[];
  /** What people should know, and need not act upon. */
  readonly notes: readonly string[];
}

const mapValues = <T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => U,
): Readonly<Record<string, U>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));

const toLocalFile = async (path: string, localPath: string): Promise<LocalFile> => {
  const { size: bytes } = await stat(localPath);
  return { path, localPath, bytes, sha256: await hashFile(localPath) };
};

/** The files of the folder by their place in the version; those that are made at push are written into `scratch`. */
const gatherFiles = async (
  { directory }: ModelSource,
  files: readonly SourceFile[],
  scratch: string,
): Promise<LocalFile[]> => {
  const gathered = new Map<string, LocalFile>();
  for (const { path, content } of files) {
    const localPath = join(content === undefined ? directory : scratch, path);
    if (content !== undefined) {
      await mkdir(dirname(localPath), { recursive: true });
      await writeFile(localPath, content);
    }
    gathered.set(path, await toLocalFile(path, localPath));
  }
  return [...gathered.values()];
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
  const names = { model: 'model.onnx', encoder: 'encoder_model.onnx', decoder: 'decoder_model_merged.onnx' };
  const needed = expected.map((role) => names[role as keyof typeof names] ?? role).join(' and ');
  throw new ServingError(
    'MODEL_INVALID',
    `the task ${task} (${reason}) needs ${needed}; ${directory} was read as ${Object.values(graphs).join(' and ')}`,
  );
};

/** The model with its graphs as they load fastest, which functions download in the place of the originals. */
const bakeModel = async (
  { draft, files, notes: said }: PreparedModel,
  runs: Readonly<Record<string, readonly RecordedRun[]>>,
  localPathOf: (path: string) => string,
  scratch: string,
): Promise<PreparedModel> => {
  const graphs: Draft['graphs'] = {};
  const added: LocalFile[] = [];
  const notes = [...said];
  for (const [role, graph] of Object.entries(draft.graphs)) {
    const baked: Baked = await bake(role, graph, runs[role] ?? [], localPathOf, openGraph, scratch);
    if ('graph' in baked) {
      graphs[role] = baked.graph;
      for (const { path, localPath } of baked.files) added.push(await toLocalFile(path, localPath));
    } else {
      graphs[role] = graph;
      if (baked.reason !== undefined) notes.push(`${graph.file} is served as it is: ${baked.reason}`);
    }
  }
  return { draft: { ...draft, graphs }, files: [...files, ...added], notes };
};

/**
 * What the model would be as a version, after it has run once. Files that are made at push are written into the folder `scratch`.
 * @throws why it cannot be served
 */
export const prepareModel = async (
  source: ModelSource,
  name: string,
  recognised: RecognisedTask,
  options: PrepareOptions,
  scratch: string,
): Promise<PreparedModel> => {
  const { task: taskName, reason } = recognised;
  const recipe = await RECIPES[taskName]();
  const { dimensions = {}, maxBatch = recipe.maxBatch, bake: isBaking = true, warmup = [] } = options;
  if (taskName !== 'tensor' && Object.keys(dimensions).length > 0)
    throw new ServingError('INVALID_REQUEST', `--dimension is for the task tensor: ${taskName} knows its sizes`);
  await assertGraphs(source, recognised, recipe);
  const { settings, resources = [], files: kept = [], notes: said = [] } = await recipe.read(source);
  const graphs = await readGraphs(source);
  const notes = [...said, ...graphs.flatMap((graph) => graph.notes)];
  const graphFiles = graphs.flatMap(({ file, externalData }) => [file, ...externalData.map((path) => ({ path }))]);
  const inputs = toWarmUpInputs(warmup);
  const files = [
    ...(await gatherFiles(source, [...graphFiles, ...kept, ...resources], scratch)),
    ...(await Promise.all(inputs.map(({ path, localPath }) => toLocalFile(path, localPath)))),
  ];
  const localPaths = new Map(files.map(({ path, localPath }) => [path, localPath]));
  const localPathOf = (path: string): string => localPaths.get(path) ?? join(source.directory, path);
  const { sessions, described } = await openGraphs(graphs, localPathOf);
  const runs = mapValues(sessions, (): RecordedRun[] => []);
  const prepare = async (): Promise<Draft> => {
    const draft: Draft = {
      name,
      task: taskName,
      graphs: described,
      settings: { ...settings },
      resources: resources.map(({ path }) => path),
      ...(maxBatch !== undefined && { maxBatch }),
      warmup: { dimensions: { ...dimensions }, inputs: inputs.map(({ path }) => path) },
      source: `${basename(resolve(source.directory))}/${Object.values(source.graphs).join(' + ')} (task: ${reason})`,
      created: new Date().toISOString(),
    };
    const candidate = toCandidate(draft, files);
    const task = await createTask(candidate);
    const model: TaskModel = {
      graphs: mapValues(sessions, (session, role) => recordRuns(session, runs[role] ?? [])),
      resources: await task.load?.((path) => readFile(localPathOf(path))),
      maxBatch: candidate.maxBatch,
    };
    await (recipe.tryOut ?? runBlank)(task, model, candidate, dimensions);
    await runWarmUp(task, model, inputs);
    return draft;
  };
  const draft = await prepare().finally(() => release(sessions));
  const prepared = { draft, files, notes };
  return isBaking ? bakeModel(prepared, runs, localPathOf, scratch) : prepared;
};
