import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, parse } from 'node:path';
import { withFileBytes } from '../core/byte-source.ts';
import { errorCode } from '../core/error-code.ts';
import { refuse, ServingError } from '../core/errors.ts';
import { detectFormat, type Format } from '../formats/detect.ts';
import { detectFolder } from '../formats/detect-folder.ts';
import type { Outline } from '../formats/imported-model.ts';
import { type ImportedFormat, isImported } from '../formats/importers.ts';
import { describeRefusal, isRefused, NO_MODELS } from '../formats/refused-formats.ts';
import { snapshotOf } from '../source/linked-files.ts';
import { findModel, type ModelSource } from '../source/model-source.ts';
import { importModel } from './import-source.ts';

/** A model that can be pushed. */
export interface FoundSource {
  readonly source: ModelSource;
  /** The parts of a model of another library. */
  readonly outline?: Outline;
}

/** The place of a model: a path of ONNX files, or a file of another library. */
export type Place =
  | { readonly onnx: string }
  | { readonly directory: string; readonly file: string; readonly format: ImportedFormat };

/** Weights without a graph, which `transformers` saves beside other formats. */
const WEIGHTS_ALONE = ['tf_model.h5'];
const EXPECTED =
  'expected an ONNX file, or a model of scikit-learn (.pkl, .joblib, .skops), Keras (.keras, .h5), XGBoost (.json, .ubj) or LightGBM (.txt)';

const formatOf = (path: string): Format | undefined => withFileBytes(path, detectFormat);

/** The format of a file beside others; undefined for one that nobody may read. */
const formatIfReadable = (path: string): Format | undefined => {
  try {
    return formatOf(path);
  } catch {
    return undefined;
  }
};

const placeOfFile = (path: string, directory = dirname(path), file = basename(path)): Place => {
  const format = formatOf(path);
  if (format === 'onnx' || (format === undefined && path.endsWith('.onnx'))) return { onnx: path };
  if (isImported(format)) return { directory, file, format };
  return isRefused(format)
    ? refuse('MODEL_INVALID', describeRefusal(format, path, directory))
    : refuse('MODEL_INVALID', `${path} is of no format that is known; ${EXPECTED}`);
};

interface Found {
  readonly file: string;
  readonly format: Format;
}

/** Files of the folder itself that are of a format that is known. */
const knownFiles = async (directory: string): Promise<Found[]> => {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && !WEIGHTS_ALONE.includes(entry.name));
  const found: Found[] = [];
  for (const { name: file } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, file);
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue;
    const format = formatIfReadable(path);
    if (format !== undefined) found.push({ file, format });
  }
  return found;
};

const hasGraphs = async (directory: string): Promise<string[]> => {
  const inside = await readdir(join(directory, 'onnx')).catch(() => []);
  return [...(await readdir(directory)), ...inside].filter((name) => name.endsWith('.onnx'));
};

/** Most files that a message names. */
const MOST_NAMES = 10;

const severalModels = (directory: string, files: readonly string[]): never => {
  const names = [...files.slice(0, MOST_NAMES), ...(files.length > MOST_NAMES ? ['…'] : [])];
  return refuse(
    'INVALID_REQUEST',
    `${directory} holds ${files.length} models (${names.join(', ')}): name the file to push`,
  );
};

/** @throws `INVALID_REQUEST` when the folder has several models; `MODEL_INVALID` when none of them can be converted */
const placeInFolder = async (directory: string): Promise<Place> => {
  const graphs = await hasGraphs(directory);
  const known = await knownFiles(directory);
  const models = known.flatMap(({ file, format }) => (isImported(format) ? [{ file, format }] : []));
  if (graphs.length > 0) {
    const stems = graphs.map((name) => parse(name).name);
    const twin = models.find(({ file }) => stems.includes(parse(file).name));
    return twin ? severalModels(directory, [twin.file, ...graphs]) : { onnx: directory };
  }
  const [model, ...others] = models;
  if (model && others.length > 0)
    severalModels(
      directory,
      models.map(({ file }) => file),
    );
  if (model) return { directory, ...model };
  const [refused] = known.filter(({ format }) => isRefused(format) && !NO_MODELS.includes(format));
  return refused ? placeOfFile(join(directory, refused.file)) : { onnx: directory };
};

const placeOfFolder = async (path: string): Promise<Place> => {
  const directory = await snapshotOf(path);
  const kind = await detectFolder(directory);
  if (kind === undefined) return placeInFolder(directory);
  if ('file' in kind) return placeOfFile(join(directory, kind.file), directory, kind.file);
  if ('refused' in kind) return refuse('MODEL_INVALID', describeRefusal(kind.refused, directory, directory));
  const [flavour = 'pyfunc'] = kind.flavours;
  return refuse(
    'MODEL_INVALID',
    `${directory} is an MLflow model of the flavours ${kind.flavours.join(', ') || 'python_function'}, of which none is converted; ` +
      `load it in Python with mlflow.${flavour}.load_model("${directory}"), and export the model in it to ONNX`,
  );
};

/**
 * Finds out what lies at `path`: ONNX files, or a file that can be converted.
 * @throws `NOT_FOUND`, `INVALID_REQUEST`, `MODEL_INVALID` naming the format, and the way to one that is served
 */
export const findPlace = async (path: string): Promise<Place> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return refuse('NOT_FOUND', `there is no file or folder ${path}`);
  if (!found.isDirectory() && !found.isFile())
    return refuse('INVALID_REQUEST', `${path} is neither a file nor a folder`);
  try {
    return found.isDirectory() ? await placeOfFolder(path) : placeOfFile(path);
  } catch (error) {
    if (error instanceof ServingError) throw error;
    const reason = errorCode(error) ?? ServingError.from(error).message;
    throw new ServingError('INVALID_REQUEST', `${path} cannot be read (${reason}); look at its permissions`, {
      cause: error,
    });
  }
};

/**
 * Finds the model at `path`, and converts it when it is of another library.
 * @param onConversion called before it is converted
 * @throws the errors of `findPlace`, and `MODEL_INVALID` when it cannot be converted
 */
export const findSource = async (path: string, onConversion: () => void = () => {}): Promise<FoundSource> => {
  const place = await findPlace(path);
  if ('onnx' in place) return { source: await findModel(place.onnx) };
  onConversion();
  const { source, model } = await importModel(place.directory, place.file, place.format);
  return { source, outline: model.outline };
};
