import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { assertFile } from './assert-file.ts';

/** First line of a pointer, which a clone without Git LFS has in the place of a large file. https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTER = 'version https://git-lfs.github.com/spec/';

/** @throws `MODEL_INVALID` when the file, which begins with `head`, was never fetched */
export const assertNoPointer = (path: string, head: string): void => {
  if (head.startsWith(POINTER))
    throw new ServingError(
      'MODEL_INVALID',
      `${path} is a Git LFS pointer instead of the file itself; fetch that with: git lfs pull`,
    );
};

/** `assertNoPointer` for a file that is too large to be read for it. @throws `MODEL_INVALID`, also for a pipe or a device */
export const assertFetched = async (directory: string, path: string): Promise<void> => {
  const place = join(directory, path);
  await assertFile(place);
  await using file = await open(place);
  const { buffer } = await file.read({ buffer: Buffer.alloc(POINTER.length) });
  assertNoPointer(path, buffer.toString('latin1'));
};
