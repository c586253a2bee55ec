import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Signature, TensorSpec } from '../src/core/tensor.ts';
import { createSession, loadRuntime, type Session } from '../src/engine/session.ts';
import type { PublishedBundle } from '../src/repository/bundle.ts';
import { changeRouting } from '../src/repository/change-routing.ts';
import { hashFile } from '../src/repository/file-hash.ts';
import { assertModelName } from '../src/repository/keys.ts';
import { type ModelRepository, unlessMissing } from '../src/repository/model-repository.ts';
import type { UploadingStore } from '../src/repository/object-store.ts';
import {
  assertPublishable,
  type Draft,
  type LocalFile,
  type PublishOptions,
  publish,
} from '../src/repository/publish.ts';
import { promote as promoteTo } from '../src/repository/rollout.ts';
import { findExternalData } from './external-data.ts';
import { findModel, type ModelSource, suggestName } from './model-source.ts';
import { assertSameTask, parseTask, type RecognisedTask, recogniseTask } from './recognise-task.ts';
import { refusing } from './refusal.ts';
import { whoami } from './routing-change.ts';
import { type Dimensions, RECIPES } from './task-recipes.ts';
import { runWarmUp, toWarmUpInputs, type WarmUpInput } from './warm-up-inputs.ts';

export interface PushOptions extends Pick<PublishOptions, 'note' | 'resume' | 'sign'> {
  /** Default: after the folder or file. */
  readonly name?: string;
  /** Default: what the Hugging Face folder says, `tensor` for a file that is in none. */
  readonly task?: string;
  /** For the trial run. */
  readonly dimensions?: Dimensions;
  /** Files with inputs, as a caller would send them, that are run whenever the model has been loaded. */
  readonly warmup?: readonly string[];
  /** Lets the version answer at once. Otherwise only the first one does. */
  readonly promote?: boolean;
  /** Does everything but write. */
  readonly dryRun?: boolean;
  /** Who pushes, for the history. Default: user and machine. */
  readonly by?: string;
  /** Called while files are sent, with the bytes of all of them together. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

export interface PushedModel extends RecognisedTask {
  readonly name: string;
  readonly version: number;
  /** The version that answers whoever names none. */
  readonly stable: number;
  readonly signature: Signature;
  /** How long creating the session took here, in milliseconds. */
  readonly createMs: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** The same model in other precisions, which was not pushed. */
  readonly alternatives: readonly string[];
}

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** Opens the model with the code that serves it. */
const openModel = async ({ directory, graph }: ModelSource): Promise<{ session: Session; createMs: number }> => {
  loadRuntime();
  const startMs = performance.now();
  const session = await createSession(join(directory, graph), MEMORY_MB);
  return { session, createMs: Math.round(performance.now() - startMs) };
};

const toLocalFile = async ({ path, localPath }: WarmUpInput): Promise<LocalFile> => {
  const { size: bytes } = await stat(localPath);
  return { path, localPath, bytes, sha256: await hashFile(localPath) };
};

const copySpecs = (specs: readonly TensorSpec[]) => specs.map((spec) => ({ ...spec, shape: [...spec.shape] }));

/** What the model would be as a version, after it has run once. */
const prepare = async (
  source: ModelSource,
  name: string,
  recognised: RecognisedTask,
  { dimensions = {} }: PushOptions,
  warmUpInputs: readonly WarmUpInput[],
) => {
  const recipe = RECIPES[recognised.task];
  const settings = await recipe.readSettings(source);
  const externalData = await findExternalData(source);
  const { session, createMs } = await openModel(source);
  const { inputs, outputs } = session.signature;
  try {
    const signature = { inputs: copySpecs(inputs), outputs: copySpecs(outputs) };
    const draft: Draft = {
      name,
      task: recognised.task,
      graphs: { model: { file: source.graph, externalData, signature, createMs } },
      settings,
      warmup: { dimensions, inputs: warmUpInputs.map(({ path }) => path) },
      source: `${basename(resolve(source.directory))}/${source.graph} (task: ${recognised.reason})`,
      created: new Date().toISOString(),
    };
    const candidate: PublishedBundle = { ...draft, formatVersion: 1, version: 1, files: [], digest: '' };
    await recipe.tryOut(session, candidate, dimensions);
    await runWarmUp(session, candidate, warmUpInputs);
    return { draft, paths: [source.graph, ...externalData, ...recipe.files], signature, createMs };
  } finally {
    await session.release();
  }
};

/** Publishes, and promotes when that is asked for. Returns the version, and the one that answers then. */
const write = async (
  repository: ModelRepository<UploadingStore>,
  draft: Draft,
  files: readonly LocalFile[],
  options: PublishOptions,
  { promote = false, dryRun = false }: PushOptions,
): Promise<{ readonly version: number; readonly stable: number }> => {
  const { name } = draft;
  const readStable = async () => (await unlessMissing(repository.routing(name)))?.routing.stable;
  if (dryRun) {
    assertPublishable(draft, files);
    const version = ((await repository.claimedVersions(name)).at(-1) ?? 0) + 1;
    return { version, stable: promote ? version : ((await readStable()) ?? version) };
  }
  const version = await publish(repository, draft, files, options);
  if (promote) await changeRouting(repository, name, { ...options, action: 'promote' }, promoteTo(version));
  return { version, stable: (await readStable()) ?? version };
};

/**
 * Publishes the model at `path`, an `.onnx` file or a Hugging Face folder, as the next version of its name; the first one answers at once.
 * The model is opened and run once before anything is written. Its task stays what it was, unless `options` name one.
 *
 * @throws `MODEL_INVALID` when it cannot be served, saying why; `INVALID_REQUEST`, `NOT_FOUND` for what was asked; `MODEL_UNAVAILABLE` when the store fails
 */
export const pushModel = async (
  repository: ModelRepository<UploadingStore>,
  path: string,
  options: PushOptions = {},
): Promise<PushedModel> => {
  const { note, resume, sign, by = whoami(), onProgress } = options;
  const source = await findModel(path);
  const name = options.name ?? suggestName(source);
  assertModelName(name);
  const recognised =
    options.task === undefined
      ? await recogniseTask(source)
      : { task: parseTask(options.task), reason: 'as asked for' };
  if (options.task === undefined) await assertSameTask(repository, name, recognised);
  const warmUpInputs = toWarmUpInputs(options.warmup ?? []);
  const prepared = prepare(source, name, recognised, options, warmUpInputs);
  const { draft, paths, signature, createMs } = await refusing(source, prepared);

  const files: LocalFile[] = [];
  const modelFiles = paths.map((file) => ({ path: file, localPath: join(source.directory, file) }));
  for (const file of [...modelFiles, ...warmUpInputs]) files.push(await toLocalFile(file));
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const publishOptions: PublishOptions = {
    by,
    ...(note !== undefined && { note }),
    ...(resume !== undefined && { resume }),
    ...(sign && { sign }),
    onProgress: (sentBytes) => onProgress?.(sentBytes, totalBytes),
  };
  return {
    ...recognised,
    name,
    ...(await write(repository, draft, files, publishOptions, options)),
    signature,
    createMs,
    files: files.map(({ path: file, bytes }) => ({ path: file, bytes })),
    alternatives: source.alternatives,
  };
};
