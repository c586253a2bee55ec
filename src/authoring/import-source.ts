import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { shorten } from '../core/show.ts';
import type { ImportedModel } from '../formats/imported-model.ts';
import { IMPORTERS, type ImportedFormat } from '../formats/importers.ts';
import { createGraphSource } from '../source/graph-source.ts';
import { type ModelSource, readSettingsFile } from '../source/model-source.ts';
import { boundOutline, OUTLINE_FILE } from './outline.ts';

/** Node reads no longer files at once. */
const LARGEST_FILE_BYTES = 2 ** 31 - 1;
const LONGEST_REASON = 2000;
const CONFIG = 'config.json';

/** A model that was converted, and where it comes from. */
export interface ImportedSource {
  readonly source: ModelSource;
  readonly model: ImportedModel;
}

const convert = async (path: string, format: ImportedFormat, bytes: Buffer): Promise<ImportedModel> => {
  const kind = IMPORTERS[format];
  try {
    return await (await kind.load())(bytes);
  } catch (error) {
    const { message } = ServingError.from(error);
    const problem = `${path} is ${kind.label}, and cannot be converted: ${shorten(message, LONGEST_REASON)}`;
    throw new ServingError('MODEL_INVALID', problem, { cause: error });
  }
};

/** The settings of the task: those that were found, and field by field the user's own. @throws `MODEL_INVALID` when these are no JSON */
const mergeConfig = async (directory: string, found: ImportedModel['config']) => {
  const folder = { directory, graphs: {}, alternatives: [], ownsDirectory: true };
  return { ...found, ...(await readSettingsFile(folder, CONFIG)) };
};

const toJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * Converts the file `file` of `directory` into a graph with its settings.
 * @throws `MODEL_INVALID` when it cannot be converted
 */
export const importModel = async (directory: string, file: string, format: ImportedFormat): Promise<ImportedSource> => {
  const path = join(directory, file);
  const { size } = await stat(path);
  if (size > LARGEST_FILE_BYTES)
    throw new ServingError(
      'MODEL_INVALID',
      `${path} has ${formatBytes(size)}, at most ${formatBytes(LARGEST_FILE_BYTES)} are converted; make the model smaller`,
    );
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const model = await convert(path, format, bytes);
  const { onnx, config, files, origin, outline, notes } = model;
  const conversion = {
    file,
    origin: `${origin}, sha256 ${sha256}`,
    files: {
      ...files,
      [CONFIG]: toJson(await mergeConfig(directory, config)),
      [OUTLINE_FILE]: toJson(boundOutline(outline)),
    },
    notes: [`${file} of ${origin} was converted: the version has its graph as model.onnx, and not the file`, ...notes],
  };
  const graph = createGraphSource('model.onnx', async () => Buffer.concat(onnx));
  return { model, source: { directory, graphs: { model: graph }, alternatives: [], ownsDirectory: true, conversion } };
};
