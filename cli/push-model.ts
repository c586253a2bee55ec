import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Signature, TensorSpec } from '../src/core/tensor.ts';
import { createSession, loadRuntime, type Session } from '../src/engine/session.ts';
import { assertModelName } from '../src/repository/keys.ts';
import type { ModelRepository } from '../src/repository/model-repository.ts';
import { type Draft, type LocalFile, publish } from '../src/repository/publish.ts';
import { findExternalData } from './external-data.ts';
import { findModel, type ModelSource, suggestName } from './model-source.ts';
import { parseTask, type RecognisedTask, recogniseTask } from './recognise-task.ts';
import { refusing } from './refusal.ts';
import { type Dimensions, RECIPES } from './task-recipes.ts';

export interface PushOptions {
  /** Default: after the folder or file. */
  readonly name?: string;
  /** Default: what the folder says, `tensor` for a file. */
  readonly task?: string;
  /** For the trial run. */
  readonly dimensions?: Dimensions;
  /** Who pushes, for the history. Default: user and machine. */
  readonly by?: string;
  /** Called while files are sent, with the bytes of all of them together. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

export interface PushedModel extends RecognisedTask {
  readonly name: string;
  readonly version: number;
  readonly signature: Signature;
  /** How long creating the session took here, in milliseconds. */
  readonly createMs: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** The same model in other precisions, which was not pushed. */
  readonly alternatives: readonly string[];
}

const whoami = (): string => `${userInfo().username}@${hostname()}`;

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** Opens the model with the code that serves it. */
const openModel = async ({ directory, graph }: ModelSource): Promise<{ session: Session; createMs: number }> => {
  loadRuntime();
  const startMs = performance.now();
  const session = await createSession(join(directory, graph), MEMORY_MB);
  return { session, createMs: Math.round(performance.now() - startMs) };
};

const hashFile = async (directory: string, path: string): Promise<LocalFile> => {
  const localPath = join(directory, path);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(localPath) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { path, localPath, bytes, sha256: hash.digest('hex') };
};

const copySpecs = (specs: readonly TensorSpec[]) => specs.map((spec) => ({ ...spec, shape: [...spec.shape] }));

/** What the model would be as a version, after it has run once. */
const prepare = async (source: ModelSource, name: string, recognised: RecognisedTask, dimensions: Dimensions) => {
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
      warmup: { dimensions, inputs: [] },
      source: `${basename(resolve(source.directory))}/${source.graph} (task: ${recognised.reason})`,
      created: new Date().toISOString(),
    };
    await recipe.tryOut(session, { ...draft, formatVersion: 1, version: 1, files: [], digest: '' }, dimensions);
    return { draft, paths: [source.graph, ...externalData, ...recipe.files], signature, createMs };
  } finally {
    await session.release();
  }
};

/**
 * Publishes the model at `path`, an `.onnx` file or a Hugging Face folder, as the next version of its name; the first one answers at once.
 * The model is opened and run once before anything is written.
 *
 * @throws `MODEL_INVALID` when it cannot be served, saying why; `INVALID_REQUEST`, `NOT_FOUND` for what was asked; `MODEL_UNAVAILABLE` when the store fails
 */
export const pushModel = async (
  repository: ModelRepository,
  path: string,
  { name: givenName, task: givenTask, dimensions = {}, by = whoami(), onProgress }: PushOptions = {},
): Promise<PushedModel> => {
  const source = await findModel(path);
  const name = givenName ?? suggestName(source);
  assertModelName(name);
  const recognised =
    givenTask === undefined ? await recogniseTask(source) : { task: parseTask(givenTask), reason: 'as asked for' };
  const { draft, paths, signature, createMs } = await refusing(source, prepare(source, name, recognised, dimensions));

  const files: LocalFile[] = [];
  for (const file of paths) files.push(await hashFile(source.directory, file));
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const version = await publish(repository, draft, files, {
    by,
    onProgress: (sentBytes) => onProgress?.(sentBytes, totalBytes),
  });
  return {
    ...recognised,
    name,
    version,
    signature,
    createMs,
    files: files.map(({ path: file, bytes }) => ({ path: file, bytes })),
    alternatives: source.alternatives,
  };
};
