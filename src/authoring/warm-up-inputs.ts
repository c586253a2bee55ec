import { basename } from 'node:path';
import { ServingError } from '../core/errors.ts';

/** A file of this computer, and its place in the version. */
export interface WarmUpInput {
  readonly localPath: string;
  readonly path: string;
}

/** @throws `INVALID_REQUEST` when two files have the same name */
export const toWarmUpInputs = (localPaths: readonly string[]): WarmUpInput[] => {
  const inputs = localPaths.map((localPath) => ({ localPath, path: `warmup/${basename(localPath)}` }));
  const names = new Set(inputs.map(({ path }) => path));
  if (names.size < inputs.length)
    throw new ServingError('INVALID_REQUEST', 'two files of --warmup have the same name; rename one of them');
  return inputs;
};

/** The error of a push whose warm-up input `localPath` cannot be answered. */
export const toWarmUpFailure = (localPath: string, error: unknown): ServingError =>
  new ServingError('INVALID_REQUEST', `--warmup ${localPath} fails: ${ServingError.from(error).message}`, {
    cause: error,
  });
