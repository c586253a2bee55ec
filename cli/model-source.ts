import { access, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, resolve } from 'node:path';
import { ServingError } from '../src/core/errors.ts';

/** A model as it lies on this computer. */
export interface ModelSource {
  /** Every other path is relative to this folder, with `/`. */
  readonly directory: string;
  readonly graph: string;
  /** The same model in other precisions, which stays behind. */
  readonly alternatives: readonly string[];
  /** Whether `directory` is the model's own, so that its settings speak for it; otherwise the graph stands alone. */
  readonly ownsDirectory: boolean;
}

/** What Optimum and transformers.js append to a file name, by precision; the first that is there is pushed. */
const PRECISIONS = ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16', '_bnb4'];
const GRAPH_FOLDERS = ['', 'onnx/'];
const GRAPHS = PRECISIONS.flatMap((precision) => GRAPH_FOLDERS.map((folder) => `${folder}model${precision}.onnx`));
const SEVERAL_GRAPHS = /(^|\/)(encoder|decoder)(_|\.)/;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const onnxFiles = async (directory: string): Promise<string[]> => {
  const found = await Promise.all(
    GRAPH_FOLDERS.map(async (folder) => {
      const names = await readdir(join(directory, folder)).catch(() => []);
      return names.filter((name) => name.endsWith('.onnx')).map((name) => folder + name);
    }),
  );
  return found.flat().sort();
};

/** The graph that a folder is about, and the rest of its kind. */
const chooseGraph = async (directory: string): Promise<readonly [graph: string, ...alternatives: string[]]> => {
  const files = await onnxFiles(directory);
  const [graph, ...alternatives] = GRAPHS.filter((path) => files.includes(path));
  if (graph !== undefined) return [graph, ...alternatives];
  const [only, ...others] = files;
  if (only === undefined)
    throw new ServingError(
      'NOT_FOUND',
      `${directory} holds no .onnx file, expected model.onnx or onnx/model.onnx; PyTorch models are exported with: optimum-cli export onnx --model <model> <folder>`,
    );
  if (files.some((path) => SEVERAL_GRAPHS.test(path)))
    throw new ServingError(
      'MODEL_INVALID',
      `${directory} holds a model of several graphs (${files.join(', ')}), and only models of one graph can be served; a single one is pushed by its file name, with --task tensor`,
    );
  if (others.length > 0)
    throw new ServingError(
      'INVALID_REQUEST',
      `${directory} holds ${files.length} models (${files.join(', ')}): name the file to push`,
    );
  return [only];
};

/** Finds the graph of `path`, an `.onnx` file or a Hugging Face folder. @throws `NOT_FOUND`, `INVALID_REQUEST`, `MODEL_INVALID` */
export const findModel = async (path: string): Promise<ModelSource> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ServingError('NOT_FOUND', `there is no file or folder ${path}`);
  if (found.isDirectory()) {
    const [graph, ...alternatives] = await chooseGraph(path);
    return { directory: path, graph, alternatives, ownsDirectory: true };
  }
  if (!path.endsWith('.onnx'))
    throw new ServingError('INVALID_REQUEST', `${path} is no .onnx file; push one, or a Hugging Face folder`);
  // A file of a Hugging Face folder keeps its place in it, so that the folder's settings are found.
  const folder = dirname(resolve(path));
  const inside = basename(folder) === 'onnx' && (await exists(join(folder, '..', 'config.json')));
  const directory = inside ? dirname(folder) : folder;
  const graph = inside ? `onnx/${basename(path)}` : basename(path);
  return { directory, graph, alternatives: [], ownsDirectory: await exists(join(directory, 'config.json')) };
};

/** A name for the model: its folder's, or its file's where that says more than `model`; in the characters that names may have. */
export const suggestName = ({ directory, graph }: ModelSource): string => {
  const stem = parse(graph).name;
  const name = PRECISIONS.some((precision) => stem === `model${precision}`) ? basename(resolve(directory)) : stem;
  return name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100)
    .replace(/[^A-Za-z0-9]+$/, '');
};

/** A JSON file of the model; undefined when there is none. @throws `MODEL_INVALID` when it is not a JSON object */
export const readSettingsFile = async (
  { directory }: ModelSource,
  name: string,
): Promise<Record<string, unknown> | undefined> => {
  const text = await readFile(join(directory, name), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new ServingError('MODEL_INVALID', `${join(directory, name)} is not JSON: ${(error as Error).message}`);
  }
  throw new ServingError('MODEL_INVALID', `${join(directory, name)} is no JSON object`);
};

/** `pipeline_tag` of the model card, which the Hub shows as the model's task. https://huggingface.co/docs/hub/model-cards */
export const readPipelineTag = async ({ directory }: ModelSource): Promise<string | undefined> => {
  const card = await readFile(join(directory, 'README.md'), 'utf8').catch(() => '');
  const [, frontMatter = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? [];
  return /^pipeline_tag:\s*["']?([a-z-]+)/m.exec(frontMatter)?.[1];
};
