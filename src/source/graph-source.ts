import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import { type OnnxModel, parseOnnxModel } from '../onnx/onnx-model.ts';
import { assertFetched } from './git-lfs.ts';

/** A graph of a model that is pushed. */
export interface GraphSource {
  /** Place of its file in the version, with `/`. */
  readonly path: string;
  /** True when the folder has its bytes in the file `path`; otherwise push writes that file. */
  readonly isFile: boolean;
  /** The parsed graph. Its bytes are read and parsed at the first call, and shared with later ones. @throws `MODEL_INVALID` */
  read(): Promise<OnnxModel>;
  /** Lets go of the bytes, which may have gigabytes. */
  release(): void;
}

/** A graph whose bytes `readBytes` makes, its weights among them. */
export const createGraphSource = (path: string, readBytes: () => Promise<Buffer>): GraphSource => {
  const readOnce = () => once(async () => parseOnnxModel(await readBytes()));
  let read = readOnce();
  return {
    path,
    isFile: false,
    read: () => read(),
    release: () => {
      read = readOnce();
    },
  };
};

/** The graph in the file `path` of `directory`. Reading throws `MODEL_INVALID` when the file is empty, or was not fetched. */
export const createFileGraph = (directory: string, path: string): GraphSource => ({
  ...createGraphSource(path, async () => {
    await assertFetched(directory, path);
    const bytes = await readFile(join(directory, path));
    if (bytes.byteLength === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
    return bytes;
  }),
  isFile: true,
});

/**
 * Paths of the files in `directory` that hold weights of the graph at `path`, which calls them `locations`.
 * @throws `MODEL_INVALID` when one is missing, lies outside the graph's folder, or was not fetched
 */
export const findExternalData = async (
  directory: string,
  path: string,
  locations: readonly string[],
): Promise<string[]> => {
  const paths: string[] = [];
  for (const location of locations) {
    const inside = posix.normalize(location);
    if (posix.isAbsolute(inside) || inside.startsWith('..'))
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${location}, outside its folder; move them beside it and export again`,
      );
    const file = posix.join(posix.dirname(path), inside);
    if (!(await stat(join(directory, file)).catch(() => undefined))?.isFile())
      throw new ServingError(
        'MODEL_INVALID',
        `its weights are in ${file}, which is missing; it has to lie beside the graph`,
      );
    await assertFetched(directory, file);
    paths.push(file);
  }
  return paths;
};
