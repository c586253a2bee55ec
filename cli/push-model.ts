import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type ErrorCode, ServingError } from '../src/core/errors.ts';
import type { Signature, TensorSpec } from '../src/core/tensor.ts';
import { createSession, loadRuntime, type Session } from '../src/engine/session.ts';
import { assertModelName } from '../src/repository/keys.ts';
import type { ModelRepository } from '../src/repository/model-repository.ts';
import { type Draft, type LocalFile, publish } from '../src/repository/publish.ts';
import { externalDataOf } from './external-data.ts';
import { findModel, type ModelSource, suggestName } from './model-source.ts';
import { type Dimensions, parseTask, RECIPES, type RecognisedTask, recogniseTask } from './task-recipes.ts';

export interface PushOptions {
  /** Default: after the folder or file. */
  readonly name?: string;
  /** Default: what the folder says, `tensor` for a file. */
  readonly task?: string;
  /** For the trial run. */
  readonly dimensions?: Dimensions;
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

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** What onnxruntime says, in words that help. The first that fits. */
const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [
    /Unsupported data type: 16\b/,
    'an input or output is bfloat16, which the JavaScript runtime cannot exchange; export the model with float32 inputs and outputs (its weights may stay bfloat16)',
  ],
  [/Unsupported data type/, 'an input or output has a data type that the JavaScript runtime cannot exchange'],
  [
    /not a registered function\/op|No Op registered for/,
    'it uses an operator that this onnxruntime does not have: a custom one, or of a newer opset; export it with standard operators',
  ],
  [/till opset \d+/, 'it was made for a newer opset than this onnxruntime supports; export it with an older one'],
  [/Protobuf parsing failed|does not have a graph/, 'it is not an ONNX file, or was cut short'],
];

/** Where in its own sources onnxruntime failed: no help to anybody who does not build it. */
const SOURCE_LOCATION = /\/onnxruntime_src\/\S+:\d+ .*?\) /g;
const VERDICTS: readonly ErrorCode[] = ['MODEL_INVALID', 'INVALID_INPUT', 'INFERENCE_FAILED'];

/** @throws `MODEL_INVALID`: why the model cannot be served */
const refusing = async <T>(source: ModelSource, attempt: Promise<T>): Promise<T> => {
  try {
    return await attempt;
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (!VERDICTS.includes(code)) throw error;
    const reason = message.replace(SOURCE_LOCATION, '').trim();
    const explanation = EXPLANATIONS.find(([pattern]) => pattern.test(reason))?.[1];
    const why = explanation === undefined ? reason : `${explanation} (onnxruntime: ${reason})`;
    throw new ServingError('MODEL_INVALID', `${join(source.directory, source.graph)} cannot be served: ${why}`, {
      cause: error,
    });
  }
};

/** Paths of the files that hold the graph's weights. @throws `MODEL_INVALID` when one is missing or elsewhere */
const findExternalData = async ({ directory, graph }: ModelSource): Promise<string[]> => {
  const bytes = await readFile(join(directory, graph));
  if (bytes.byteLength === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
  const paths: string[] = [];
  for (const location of externalDataOf(bytes)) {
    const inside = posix.normalize(location);
    if (posix.isAbsolute(inside) || inside.startsWith('..'))
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${location}, outside its folder; move them beside it and export again`,
      );
    const path = posix.join(posix.dirname(graph), inside);
    if (!(await stat(join(directory, path)).catch(() => undefined))?.isFile())
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${path}, which is missing; it has to lie beside the graph`,
      );
    paths.push(path);
  }
  return paths;
};

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
      source: `${source.path} (task: ${recognised.reason})`,
      created: new Date().toISOString(),
    };
    await recipe.tryOut(session, { ...draft, formatVersion: 1, version: 1, files: [], digest: '' }, dimensions);
    return { draft, paths: [source.graph, ...externalData, ...recipe.files], signature, createMs };
  } finally {
    await session.release();
  }
};

/**
 * Publishes the model at `path`, an `.onnx` file or a Hugging Face folder, as the next version of its name, and routes to it.
 * The model is opened and run once before anything is written.
 *
 * @throws `MODEL_INVALID` when it cannot be served, saying why; `INVALID_REQUEST`, `NOT_FOUND` for what was asked; `MODEL_UNAVAILABLE` when the store fails
 */
export const pushModel = async (
  repository: ModelRepository,
  path: string,
  { name: givenName, task: givenTask, dimensions = {}, onProgress }: PushOptions = {},
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
  const version = await publish(repository, draft, files, (sentBytes) => onProgress?.(sentBytes, totalBytes));
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
