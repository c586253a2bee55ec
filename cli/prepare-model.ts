import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ServingError } from '../src/core/errors.ts';
import { createSession, loadRuntime, type Session } from '../src/engine/session.ts';
import { hashFile } from '../src/repository/file-hash.ts';
import { type Draft, type LocalFile, toCandidate } from '../src/repository/publish.ts';
import { createTask } from '../src/serving/tasks.ts';
import type { TaskModel } from '../src/tasks/task.ts';
import { findExternalData, readGraph } from './external-data.ts';
import type { ModelSource } from './model-source.ts';
import { RECIPES } from './recipes/index.ts';
import { type Dimensions, runBlank, type SourceFile } from './recipes/recipe.ts';
import type { RecognisedTask } from './recognise-task.ts';
import { runWarmUp, toWarmUpInputs } from './warm-up-inputs.ts';
import { withoutZipMap } from './zip-map.ts';

export interface PrepareOptions {
  /** For the trial run. */
  readonly dimensions?: Dimensions;
  /** How many rows may run together. */
  readonly maxBatch?: number;
  /** Files with inputs, as a caller would send them, that are run whenever the model has been loaded. */
  readonly warmup?: readonly string[];
}

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** What a version consists of, before it is one. */
export interface PreparedModel {
  readonly draft: Draft;
  readonly files: readonly LocalFile[];
}

/** A graph as it is published: what only tensors can be served of is taken off. */
interface GraphSource {
  readonly role: string;
  readonly file: SourceFile;
  readonly externalData: readonly string[];
}

const readGraphs = async ({ directory, graphs }: ModelSource): Promise<GraphSource[]> => {
  const sources: GraphSource[] = [];
  for (const [role, path] of Object.entries(graphs)) {
    const bytes = await readGraph(directory, path);
    const externalData = await findExternalData(directory, path, bytes);
    // A graph is written elsewhere when it is changed, and then its weights would not lie beside it.
    const content = externalData.length === 0 ? withoutZipMap(bytes) : undefined;
    sources.push({ role, file: { path, ...(content && { content }) }, externalData });
  }
  return sources;
};

/** Opens the graphs with the code that serves them. They have to be released. */
const openGraphs = async (graphs: readonly GraphSource[], localPathOf: (path: string) => string) => {
  loadRuntime();
  const sessions: Record<string, Session> = {};
  const described: Draft['graphs'] = {};
  try {
    for (const { role, file, externalData } of graphs) {
      const startMs = performance.now();
      const session = await createSession(localPathOf(file.path), MEMORY_MB);
      const createMs = Math.round(performance.now() - startMs);
      sessions[role] = session;
      const signature = structuredClone(session.signature) as never;
      described[role] = { file: file.path, externalData: [...externalData], signature, createMs };
    }
    return { sessions, described };
  } catch (error) {
    await release(sessions);
    throw error;
  }
};

const release = async (sessions: Readonly<Record<string, Session>>): Promise<void> => {
  await Promise.allSettled(Object.values(sessions).map((session) => session.release()));
};

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

const assertGraphs = ({ directory, graphs }: ModelSource, { task, reason }: RecognisedTask): void => {
  const expected = RECIPES[task].graphs;
  const found = Object.keys(graphs);
  if (expected.length === found.length && expected.every((role) => found.includes(role))) return;
  const names = { model: 'model.onnx', encoder: 'encoder_model.onnx', decoder: 'decoder_model_merged.onnx' };
  const needed = expected.map((role) => names[role as keyof typeof names] ?? role).join(' and ');
  throw new ServingError(
    'MODEL_INVALID',
    `the task ${task} (${reason}) needs ${needed}; ${directory} was read as ${Object.values(graphs).join(' and ')}`,
  );
};

/**
 * What the model would be as a version, after it has run once. Files that are made at push are written into the folder `scratch`.
 * @throws why it cannot be served
 */
export const prepareModel = async (
  source: ModelSource,
  name: string,
  recognised: RecognisedTask,
  { dimensions = {}, maxBatch, warmup = [] }: PrepareOptions,
  scratch: string,
): Promise<PreparedModel> => {
  const { task: taskName, reason } = recognised;
  const recipe = RECIPES[taskName];
  if (taskName !== 'tensor' && Object.keys(dimensions).length > 0)
    throw new ServingError('INVALID_REQUEST', `--dimension is for the task tensor: ${taskName} knows its sizes`);
  assertGraphs(source, recognised);
  const { settings, resources = [], files: kept = [] } = await recipe.read(source);
  const graphs = await readGraphs(source);
  const graphFiles = graphs.flatMap(({ file, externalData }) => [file, ...externalData.map((path) => ({ path }))]);
  const inputs = toWarmUpInputs(warmup);
  const files = [
    ...(await gatherFiles(source, [...graphFiles, ...kept, ...resources], scratch)),
    ...(await Promise.all(inputs.map(({ path, localPath }) => toLocalFile(path, localPath)))),
  ];
  const localPaths = new Map(files.map(({ path, localPath }) => [path, localPath]));
  const localPathOf = (path: string): string => localPaths.get(path) ?? join(source.directory, path);
  const { sessions, described } = await openGraphs(graphs, localPathOf);
  try {
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
      graphs: sessions,
      resources: await task.load?.((path) => readFile(localPathOf(path))),
      maxBatch: candidate.maxBatch,
    };
    await (recipe.tryOut ?? runBlank)(task, model, candidate, dimensions);
    await runWarmUp(task, model, inputs);
    return { draft, files };
  } finally {
    await release(sessions);
  }
};
