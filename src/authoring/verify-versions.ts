import { ServingError } from '../core/errors.ts';
import { totalBytes } from '../core/total-bytes.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { readVerified } from '../repository/versions/verify.ts';

/** Versions that were checked, and a message for each problem. */
export interface Verification {
  readonly bundles: readonly PublishedBundle[];
  readonly problems: readonly string[];
}

/** The message of the error that `check` throws, unless the store does not answer. @throws `MODEL_UNAVAILABLE` */
const problemOf = async (check: () => Promise<unknown>): Promise<string | undefined> => {
  try {
    await check();
    return undefined;
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code === 'MODEL_UNAVAILABLE') throw error;
    return message;
  }
};

/**
 * Reads the bundles and all files of the versions of a model.
 * @param onProgress receives the bytes that were read so far, and the bytes of all files
 * @throws `MODEL_UNAVAILABLE`
 */
export const verifyVersions = async (
  repository: ModelRepository,
  name: string,
  versions: readonly number[],
  onProgress: (doneBytes: number, allBytes: number) => void,
): Promise<Verification> => {
  const bundles: PublishedBundle[] = [];
  const problems: string[] = [];
  const note = async (check: () => Promise<unknown>): Promise<void> => {
    const problem = await problemOf(check);
    if (problem !== undefined) problems.push(problem);
  };
  for (const version of versions) await note(async () => bundles.push(await repository.bundle(name, version)));
  const allBytes = totalBytes(bundles.flatMap(({ files }) => files));
  let doneBytes = 0;
  for (const bundle of bundles) {
    for (const file of bundle.files)
      await note(async () => {
        for await (const { byteLength } of readVerified(repository, bundle, file)) {
          doneBytes += byteLength;
          onProgress(doneBytes, allBytes);
        }
      });
  }
  return { bundles, problems };
};
