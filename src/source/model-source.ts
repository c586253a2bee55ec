import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, resolve } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { readText } from '../core/read-text.ts';
import { assertNoPointer } from './git-lfs.ts';
import { createFileGraph, type GraphSource } from './graph-source.ts';
import { cachedName, snapshotOf } from './linked-files.ts';

/** A model as it lies on this computer. */
export interface ModelSource {
  /** Every other path is relative to this folder, with `/`. */
  readonly directory: string;
  /** By role: `model`, or `encoder` and `decoder`. */
  readonly graphs: Readonly<Record<string, GraphSource>>;
  /** Paths of the same model in other precisions, which stays behind. */
  readonly alternatives: readonly string[];
  /** True when `directory` is the model's own, and its settings are the model's; otherwise the graph stands alone. */
  readonly ownsDirectory: boolean;
  /** Left out for a model of ONNX files. */
  readonly conversion?: Conversion;
  /** Texts that somebody gives in the place of the folder's, by path. */
  readonly given?: Readonly<Record<string, string>>;
}

/** The origin of a graph that push made of a file of another library. */
export interface Conversion {
  /** The file, relative to the folder. It stays out of the version. */
  readonly file: string;
  /** Its library and its digest, for people. */
  readonly origin: string;
  /** Files that were made with the graph, by path: they go before those of the folder. */
  readonly files: Readonly<Record<string, string>>;
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

/** A file that becomes part of the version: one of the folder, or one that is made at push. */
export interface SourceFile {
  readonly path: string;
  /** The content of a file that the folder lacks, or has otherwise. */
  readonly content?: string | Uint8Array;
}

/** Suffixes of Optimum and transformers.js for the precisions of a model; the first that is there is pushed. */
const PRECISIONS = ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16', '_bnb4'];
const GRAPH_FOLDERS = ['', 'onnx/'];
/** Names of a graph, best first. */
const candidates = (stem: string): string[] =>
  PRECISIONS.flatMap((precision) => GRAPH_FOLDERS.map((folder) => `${folder}${stem}${precision}.onnx`));
const SEVERAL_GRAPHS = /(^|\/)(encoder|decoder)(_|\.)/;

/** Paths of the graphs that a folder is about, by role, and of the rest of their kind. */
interface ChosenGraphs {
  readonly paths: Readonly<Record<string, string>>;
  readonly alternatives: readonly string[];
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;

const onnxFiles = async (directory: string): Promise<string[]> => {
  const found = await Promise.all(
    GRAPH_FOLDERS.map(async (folder) => {
      const names = await readdir(join(directory, folder)).catch(() => []);
      return names.filter((name) => name.endsWith('.onnx')).map((name) => folder + name);
    }),
  );
  return found.flat().sort();
};

/** @throws `NOT_FOUND`, `INVALID_REQUEST`, `MODEL_INVALID` saying which files are expected */
const chooseGraphs = async (directory: string): Promise<ChosenGraphs> => {
  const files = await onnxFiles(directory);
  const present = (stem: string): string[] => candidates(stem).filter((path) => files.includes(path));
  const [model, ...alternatives] = present('model');
  if (model !== undefined) return { paths: { model }, alternatives };
  const [decoder] = present('decoder_model_merged');
  const encoders = present('encoder_model');
  // A model that only decodes, such as GPT-2.
  if (decoder !== undefined && encoders.length === 0)
    return { paths: { model: decoder }, alternatives: files.filter((path) => path !== decoder) };
  // The one of the same place and precision, where it is there.
  const encoder =
    encoders.find((path) => path === decoder?.replace('decoder_model_merged', 'encoder_model')) ?? encoders[0];
  if (encoder !== undefined && decoder !== undefined)
    return { paths: { encoder, decoder }, alternatives: files.filter((path) => path !== encoder && path !== decoder) };
  const [only, ...others] = files;
  if (only === undefined)
    throw new ServingError(
      'NOT_FOUND',
      `${directory} holds no model: expected model.onnx, onnx/model.onnx, or one file of another library, such as model.pkl`,
    );
  if (files.some((path) => SEVERAL_GRAPHS.test(path)))
    throw new ServingError(
      'MODEL_INVALID',
      `${directory} holds ${files.join(', ')}: a model of several graphs is served from encoder_model.onnx and ` +
        'decoder_model_merged.onnx, which hold the first step and the later ones in one graph; export it with: ' +
        'optimum-cli export onnx --model <model> --task text2text-generation-with-past <folder> ' +
        '(automatic-speech-recognition-with-past for Whisper, text-generation-with-past for a model without encoder), or from Python with ' +
        'ORTModelForSeq2SeqLM.from_pretrained(<model>, export=True, use_merged=True) ' +
        '(a single file is pushed by its name, with --task tensor)',
    );
  if (others.length > 0)
    throw new ServingError(
      'INVALID_REQUEST',
      `${directory} holds ${files.length} models (${files.join(', ')}): name the file to push`,
    );
  return { paths: { model: only }, alternatives: [] };
};

const graphsAt = (directory: string, paths: ChosenGraphs['paths']): ModelSource['graphs'] =>
  Object.fromEntries(Object.entries(paths).map(([role, path]) => [role, createFileGraph(directory, path)]));

/** The file behind a link that somebody names; its weights lie beside it. In a cache, files have their names in the snapshot alone. */
const fileOf = async (path: string): Promise<string> => {
  const real = await realpath(path);
  return real.endsWith('.onnx') ? real : resolve(path);
};

/** Finds the graph of `path`, an ONNX file or a Hugging Face folder. @throws `NOT_FOUND`, `INVALID_REQUEST`, `MODEL_INVALID` */
export const findModel = async (path: string): Promise<ModelSource> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ServingError('NOT_FOUND', `there is no file or folder ${path}`);
  if (found.isDirectory()) {
    const directory = await snapshotOf(path);
    const { paths, alternatives } = await chooseGraphs(directory);
    return { directory, graphs: graphsAt(directory, paths), alternatives, ownsDirectory: true };
  }
  // A file of a Hugging Face folder keeps its place in it, so that the folder's settings are found.
  const place = await fileOf(path);
  const folder = dirname(place);
  const inside = basename(folder) === 'onnx' && (await isFile(join(folder, '..', 'config.json')));
  const directory = inside ? dirname(folder) : folder;
  const model = inside ? `onnx/${basename(place)}` : basename(place);
  const ownsDirectory = await isFile(join(directory, 'config.json'));
  return { directory, graphs: graphsAt(directory, { model }), alternatives: [], ownsDirectory };
};

/** A name for the model: its folder's, or its file's where that says more than `model`; in the characters that names may have. */
export const suggestName = ({ directory, graphs: { model }, conversion }: ModelSource): string => {
  const stem = parse(conversion?.file ?? model?.path ?? '').name;
  const isUsual = model === undefined || PRECISIONS.some((precision) => stem === `model${precision}`);
  const name = isUsual ? (cachedName(directory) ?? basename(resolve(directory))) : stem;
  return name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100)
    .replace(/[^A-Za-z0-9]+$/, '');
};

const madeFile = ({ given = {}, conversion }: ModelSource, name: string): string | undefined =>
  [given, conversion?.files ?? {}].find((files) => Object.hasOwn(files, name))?.[name];

/** A text file of the model; undefined when there is none. */
export const readTextFile = async (source: ModelSource, name: string): Promise<string | undefined> =>
  madeFile(source, name) ?? readText(join(source.directory, name));

/** Tells whether the model has a file of that name. */
export const hasFile = async (source: ModelSource, name: string): Promise<boolean> =>
  madeFile(source, name) !== undefined || isFile(join(source.directory, name));

/** `files`, with the content of those that were made with the graph. */
export const withMadeFiles = <F extends SourceFile>(source: ModelSource, files: readonly F[]): F[] =>
  files.map((file) => {
    const content = file.content === undefined ? madeFile(source, file.path) : undefined;
    return content === undefined ? file : { ...file, content };
  });

/** A JSON file of the model; undefined when there is none. @throws `MODEL_INVALID` when it is not a JSON object */
export const readSettingsFile = async (
  source: ModelSource,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  const { directory } = source;
  const text = await readTextFile(source, name);
  if (text === undefined) return undefined;
  assertNoPointer(join(directory, name), text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = ServingError.from(error);
    throw new ServingError('MODEL_INVALID', `${join(directory, name)} is not JSON: ${message}`, { cause: error });
  }
  if (isObject(value)) return value;
  throw new ServingError('MODEL_INVALID', `${join(directory, name)} is no JSON object`);
};

/** `pipeline_tag` of the model card, which the Hub shows as the model's task. https://huggingface.co/docs/hub/model-cards */
export const readPipelineTag = async ({ directory }: ModelSource): Promise<string | undefined> => {
  const card = (await readText(join(directory, 'README.md'))) ?? '';
  const [, frontMatter = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? [];
  return /^pipeline_tag:\s*["']?([a-z-]+)/m.exec(frontMatter)?.[1];
};
