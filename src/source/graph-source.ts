import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { externalDataOf } from '../onnx/external-data.ts';
import { assertFetched } from './git-lfs.ts';

/** The bytes of `graph`, a file of `directory`. @throws `MODEL_INVALID` when there are none, or they were not fetched */
export const readGraph = async (directory: string, graph: string): Promise<Buffer> => {
  await assertFetched(directory, graph);
  const bytes = await readFile(join(directory, graph));
  if (bytes.byteLength === 0) throw new ServingError('MODEL_INVALID', 'the file is empty');
  return bytes;
};

/** Paths of the files that hold the weights of `graph`, whose `bytes` name them. @throws `MODEL_INVALID` when one is missing, elsewhere, or was not fetched */
export const findExternalData = async (directory: string, graph: string, bytes: Buffer): Promise<string[]> => {
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
    await assertFetched(directory, path);
    paths.push(path);
  }
  return paths;
};
