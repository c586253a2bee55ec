import { writeFile } from 'node:fs/promises';
import { errorCode } from './error-code.ts';
import { ServingError } from './errors.ts';

/** The error of a write to a place that the user named: `INVALID_REQUEST` for one of the file system, and any other as it is. */
export const toWriteFailure = (place: string, error: unknown): unknown => {
  const code = errorCode(error);
  if (code === undefined || error instanceof ServingError) return error;
  const problem = `${place} cannot be written (${code}); look at the room and the permissions of its folder`;
  return new ServingError('INVALID_REQUEST', problem, { cause: error });
};

/** Writes a file that the user named. @throws `INVALID_REQUEST` where it cannot be written */
export const writeNamedFile = (path: string, text: string): Promise<void> =>
  writeFile(path, text).catch((error: unknown) => {
    throw toWriteFailure(path, error);
  });
