import { stat } from 'node:fs/promises';
import { ServingError } from '../../src/core/errors.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { quoteWord } from '../output/quote-word.ts';
import { serveDirectory } from './serve-directory.ts';
import type { Target, TargetUse } from './target.ts';

/** A directory in the place of a bucket. @throws `NOT_FOUND` when it is not there and may not be made */
export const directoryTarget = async (directory: string, { mayCreate = false }: TargetUse): Promise<Target> => {
  const options = ` --store ${quoteWord(directory)}`;
  const found = await stat(directory).catch(() => undefined);
  if (found && !found.isDirectory())
    throw new ServingError('INVALID_REQUEST', `--store ${directory} is a file, expected a directory`);
  if (!found && !mayCreate)
    throw new ServingError(
      'NOT_FOUND',
      `there is no directory ${directory}; a push makes it: npx onnx-serverless push <file|folder>${options}`,
    );
  const serving = serveDirectory(createDirectoryStore(directory));
  return {
    description: `directory ${directory}`,
    options,
    buckets: undefined,
    deadLetters: undefined,
    states: undefined,
    functionOf: undefined,
    ...serving,
  };
};
