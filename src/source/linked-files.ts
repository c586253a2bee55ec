import { realpath } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { readText } from '../core/read-text.ts';
import { assertFile } from './assert-file.ts';

/** A place in the cache of Hugging Face. The files of a model's `snapshots` are links to its `blobs`. */
const IN_SNAPSHOT = /^(.*[\\/]models--.+--([^\\/]+))[\\/]snapshots[\\/][^\\/]+/;
const CACHE_FOLDER = /^models--.+--.+$/;

const cacheFolderOf = (directory: string): string | undefined => IN_SNAPSHOT.exec(resolve(directory))?.[1];

/** The name of the model in the cache that `directory` is a snapshot of: `bert` of `models--google--bert`. */
export const cachedName = (directory: string): string | undefined => IN_SNAPSHOT.exec(resolve(directory))?.[2];

/** The newest snapshot when `directory` is the folder of a model in the cache; otherwise `directory` itself. */
export const snapshotOf = async (directory: string): Promise<string> => {
  if (!CACHE_FOLDER.test(basename(resolve(directory)))) return directory;
  const commit = await readText(join(directory, 'refs', 'main'));
  return commit === undefined ? directory : join(directory, 'snapshots', commit.trim());
};

/**
 * The place of a file of the model on disk, behind links. Links may lead to any file of the model's folder, and from a snapshot into the
 * cache of the same model.
 * @throws `MODEL_INVALID` for a pipe or a device, and for a link that leads elsewhere: nobody sees in the folder what would be published
 */
export const resolveLinks = async (directory: string, path: string): Promise<string> => {
  const place = await realpath(join(directory, path));
  await assertFile(place);
  const roots = await Promise.all([cacheFolderOf(directory) ?? directory, directory].map((root) => realpath(root)));
  if (roots.some((root) => place.startsWith(root.endsWith(sep) ? root : root + sep))) return place;
  throw new ServingError(
    'MODEL_INVALID',
    `${join(directory, path)} is a link to ${place}, outside of the folder; copy the folder with cp -rL and push the copy`,
  );
};
