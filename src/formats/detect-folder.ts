import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '../core/read-text.ts';
import type { RefusedFormat } from './refused-formats.ts';

/** A folder that is a model as a whole: of a format that is refused, or one whose file `file` is the model. */
export type FolderKind =
  | { readonly refused: RefusedFormat }
  | { readonly file: string }
  /** An MLflow model none of whose flavours is a file that can be read. */
  | { readonly flavours: readonly string[] };

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** Flavours of MLflow whose file can be pushed, with the fields of `MLmodel` that name it. */
const FLAVOURS: Readonly<Record<string, readonly string[]>> = {
  onnx: ['data'],
  sklearn: ['pickled_model'],
  xgboost: ['data'],
  lightgbm: ['data'],
  keras: ['data'],
  tensorflow: ['data'],
};
/** Files of Keras within the folder that `data` names. */
const KERAS_FILES = ['data/model.keras', 'model.keras', 'data/model.h5', 'model.h5'];

/** The fields of each flavour in the file `MLmodel`, which MLflow writes as YAML of two levels. */
const parseFlavours = (text: string): ReadonlyMap<string, ReadonlyMap<string, string>> => {
  const [, block = ''] = /^flavors:\n((?:[ \t]+.*\n?)*)/m.exec(text) ?? [];
  const flavours = new Map<string, Map<string, string>>();
  let fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, indent = '', name = '', value = ''] = /^( +)(\w+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (indent.length === 2) {
      fields = new Map();
      flavours.set(name, fields);
    } else if (indent.length === 4) fields.set(name, value.replace(/^(['"])(.*)\1$/, '$2'));
  }
  return flavours;
};

/** Paths from outside the folder are no files of the model. */
const isInside = (path: string): boolean => !/^[\\/]|(?:^|[\\/])\.\.(?:[\\/]|$)/.test(path);

const readMlflow = async (folder: string): Promise<FolderKind> => {
  const flavours = parseFlavours((await readText(join(folder, 'MLmodel'))) ?? '');
  for (const [flavour, fields] of Object.entries(FLAVOURS)) {
    const named = fields.map((field) => flavours.get(flavour)?.get(field)).filter((path) => path !== undefined);
    for (const path of named
      .filter(isInside)
      .flatMap((each) => [each, ...KERAS_FILES.map((file) => `${each}/${file}`)]))
      if (await isFile(join(folder, path))) return { file: path };
  }
  return { flavours: [...flavours.keys()].filter((flavour) => flavour !== 'python_function') };
};

/** Marks of the other kinds. */
const MARKS: readonly (readonly [RefusedFormat, readonly string[]])[] = [
  ['saved-model', ['saved_model.pb']],
  ['core-ml-package', ['Manifest.json', 'Data']],
];

const isSparkModel = async (folder: string): Promise<boolean> => {
  const names = await readdir(join(folder, 'metadata')).catch(() => []);
  const part = names.find((name) => name.startsWith('part-'));
  const text = part === undefined ? undefined : await readText(join(folder, 'metadata', part));
  return /"class"\s*:\s*"(?:org\.apache\.spark\.ml|pyspark\.ml)\./.test(text ?? '');
};

/** Recognises a folder by its files; undefined for one that is a model only by a single file in it. */
export const detectFolder = async (folder: string): Promise<FolderKind | undefined> => {
  const names = await readdir(folder);
  if (names.includes('MLmodel')) return readMlflow(folder);
  const marked = MARKS.find(([, marks]) => marks.every((mark) => names.includes(mark)));
  if (marked) return { refused: marked[0] };
  return names.includes('metadata') && (await isSparkModel(folder)) ? { refused: 'spark-ml' } : undefined;
};
