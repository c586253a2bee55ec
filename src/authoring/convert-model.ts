import { randomUUID } from 'node:crypto';
import { realpath, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '../core/error-code.ts';
import { refuse } from '../core/errors.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { withTemporaryPath } from '../core/temporary-path.ts';
import { toWriteFailure } from '../core/write-failure.ts';
import type { Outline } from '../formats/imported-model.ts';
import { sizeOf, toPieces } from '../onnx/chunks.ts';
import { findPlace } from './find-source.ts';
import { importModel } from './import-source.ts';
import { OUTLINE_FILE } from './outline.ts';

/** A model that was written as ONNX. */
export interface ConvertedModel {
  readonly origin: string;
  readonly outline: Outline;
  readonly bytes: number;
  /** Files beside the graph that were written: its settings. */
  readonly written: readonly string[];
  /** Files beside the graph that were there, and stay as they were. */
  readonly kept: readonly string[];
  readonly notes: readonly string[];
}

/** @throws `INVALID_REQUEST` when no file can be written at `output`, or one is there that may not be replaced */
const assertWritable = async (output: string, input: string, force: boolean): Promise<void> => {
  const folder = dirname(output);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    refuse('INVALID_REQUEST', `there is no folder ${folder} for ${output}; make it first`);
  const present = await stat(output).catch(() => undefined);
  if (present === undefined) return;
  if (!present.isFile()) refuse('INVALID_REQUEST', `${output} is no file; name the .onnx file to write`);
  if ((await realpath(output)) === (await realpath(input)))
    refuse('INVALID_REQUEST', `${output} is the model itself; name another file to write`);
  if (!force) refuse('INVALID_REQUEST', `${output} exists; --force replaces it`);
};

/** Writes a file unless one is there. */
const writeNew = async (path: string, text: string): Promise<boolean> => {
  try {
    makeDirectory(dirname(path));
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
};

/**
 * Converts the model at `path`, and writes its graph to `output` and its settings beside it. The graph appears whole.
 * @throws `INVALID_REQUEST` for an output that cannot be written; `MODEL_INVALID` when the model cannot be converted
 */
export const convertModel = async (
  path: string,
  output: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<ConvertedModel> => {
  const place = await findPlace(path);
  if ('onnx' in place) return refuse('INVALID_REQUEST', `${path} is ONNX already; push it as it is`);
  await assertWritable(output, join(place.directory, place.file), force);
  const { source, model } = await importModel(place.directory, place.file, place.format);
  const partial = `${output}.${randomUUID()}.part`;
  const [written, kept]: [string[], string[]] = [[], []];
  try {
    await withTemporaryPath(partial, async () => {
      await writeFile(partial, toPieces(model.onnx), { flag: 'wx' });
      await rename(partial, output);
    });
    for (const [name, text] of Object.entries(source.conversion?.files ?? {})) {
      if (name === OUTLINE_FILE) continue;
      ((await writeNew(join(dirname(output), name), text)) ? written : kept).push(name);
    }
  } catch (error) {
    throw toWriteFailure(output, error);
  }
  const { origin, outline, notes } = model;
  return { origin, outline, bytes: sizeOf(model.onnx), written, kept, notes };
};
