import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { answerRecorded } from '../serving/make-ready.ts';
import type { Task, TaskModel } from '../tasks/task.ts';

/** A file to run before the first request, and where it lies in the bundle. */
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

/** Answers each input as a request would be. @throws `INVALID_REQUEST` naming the first that cannot be answered */
export const runWarmUp = async (task: Task, model: TaskModel, inputs: readonly WarmUpInput[]): Promise<void> => {
  for (const { localPath } of inputs) {
    try {
      await answerRecorded(task, model, localPath, await readFile(localPath));
    } catch (error) {
      throw new ServingError('INVALID_REQUEST', `--warmup ${localPath} fails: ${ServingError.from(error).message}`, {
        cause: error,
      });
    }
  }
};
