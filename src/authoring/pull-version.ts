import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ServingError } from '../core/errors.ts';
import { makeDirectoryOf } from '../core/make-directory.ts';
import { withTemporaryPath } from '../core/temporary-path.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { readVerified } from '../repository/versions/verify.ts';

/** Tells whether a directory has no files, or does not exist yet. */
const isEmpty = (directory: string): Promise<boolean> =>
  readdir(directory).then(
    (names) => names.length === 0,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );

/**
 * Copies the files of a version into `directory`, which appears whole.
 * @param onBytes receives the size of each chunk that has arrived
 * @throws `INVALID_REQUEST` when `directory` is not empty; `MODEL_INVALID` when a file differs from its sha256
 */
export const pullVersion = async (
  repository: ModelRepository,
  bundle: PublishedBundle,
  directory: string,
  onBytes: (bytes: number) => void,
): Promise<void> => {
  if (!(await isEmpty(directory)))
    throw new ServingError('INVALID_REQUEST', `${directory} exists and is no empty directory; name another one`);
  const partial = `${directory}.${randomUUID()}.part`;
  await withTemporaryPath(partial, async () => {
    for (const file of bundle.files) {
      const localPath = join(partial, file.path);
      makeDirectoryOf(localPath);
      const counted = async function* () {
        for await (const chunk of readVerified(repository, bundle, file)) {
          onBytes(chunk.byteLength);
          yield chunk;
        }
      };
      await pipeline(counted, createWriteStream(localPath, { flags: 'wx' }));
    }
    await rename(partial, directory);
  });
};
