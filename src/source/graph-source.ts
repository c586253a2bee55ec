import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { withFileBytes } from '../core/byte-source.ts';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { once } from '../core/once.ts';
import { type OnnxModel, parseOnnxModel, readOnnxModel } from '../onnx/onnx-model.ts';
import { assertFetched } from './git-lfs.ts';

/** A graph of a model that is pushed. */
export interface GraphSource {
  /** Place of its file in the version, with `/`. */
  readonly path: string;
  /** True when the folder has its bytes in the file `path`; otherwise push writes that file. */
  readonly isFile: boolean;
  /**
   * The parsed graph; one of a file lacks the elements of its large tensors. It is read at the first call, and shared with later ones.
   * @throws `MODEL_INVALID`
   */
  read(): Promise<OnnxModel>;
  /** The parsed graph with all of its bytes, which may be gigabytes. @throws `MODEL_INVALID` */
  readWhole(): Promise<OnnxModel>;
  /** Lets go of the bytes. */
  release(): void;
}

/** Protobuf has no longer messages. */
const LARGEST_FILE_BYTES = 2 ** 31 - 1;

const sharedUntilRelease = <T>(read: () => Promise<T>) => {
  let shared = once(read);
  return {
    read: () => shared(),
    release: () => {
      shared = once(read);
    },
  };
};

/** A graph whose bytes `readBytes` makes, its weights among them. */
export const createGraphSource = (path: string, readBytes: () => Promise<Buffer>): GraphSource => {
  const { read, release } = sharedUntilRelease(async () => parseOnnxModel(await readBytes()));
  return { path, isFile: false, read, readWhole: read, release };
};

/** The graph in the file `path` of `directory`. Reading throws `MODEL_INVALID` when the file is empty, too long, or was not fetched. */
export const createFileGraph = (directory: string, path: string): GraphSource => {
  const place = join(directory, path);
  const assertReadable = async (): Promise<void> => {
    await assertFetched(directory, path);
    const { size } = await stat(place);
    if (size === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
    if (size > LARGEST_FILE_BYTES)
      throw new ServingError(
        'MODEL_INVALID',
        `its file has ${formatBytes(size)}, and an ONNX file ends at 2.1 GB; save it with external data: ` +
          'onnx.save(model, path, save_as_external_data=True)',
      );
  };
  const { read, release } = sharedUntilRelease(async () => {
    await assertReadable();
    return withFileBytes(place, readOnnxModel);
  });
  const readWhole = async (): Promise<OnnxModel> => {
    await assertReadable();
    return parseOnnxModel(await readFile(place));
  };
  return { path, isFile: true, read, readWhole, release };
};

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
