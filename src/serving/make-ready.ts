import { ServingError } from '../core/errors.ts';
import type { ReadFile } from '../core/payload.ts';
import type { OpenedGraphs, Trial } from '../engine/model-loader.ts';
import { answerOne } from '../tasks/answer-one.ts';
import { createTask } from '../tasks/index.ts';
import type { Task, TaskModel } from '../tasks/task.ts';
import { parseObject } from './inputs.ts';

/** Answers a recorded input as it would be answered to a caller. @throws whatever a caller would be told */
export const answerRecorded = async (task: Task, model: TaskModel, path: string, body: Uint8Array): Promise<void> => {
  await answerOne(task, model, task.decode(parseObject(path, body)));
};

/**
 * Reads what the task needs of the bundle, which it returns, and runs the inputs that came with the model, as a caller would send
 * them: what runs for the first time is slow, and a model that fails on them must not answer. When there are none, a caller's input will
 * do, if one waits for the model and it is answered; else the task's plainest one.
 * @throws `MODEL_INVALID` naming the input
 */
export const makeReady = async (opened: OpenedGraphs, read: ReadFile, trial: Trial): Promise<unknown> => {
  const { bundle, graphs } = opened;
  const { name, version, maxBatch, warmup } = bundle;
  const task = await createTask(bundle);
  const resources = await task.load?.(read);
  const model = { graphs, resources, maxBatch };

  const tryOut = async (what: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      const problem = `model ${name} version ${version} failed on ${what}: ${ServingError.from(error).message}`;
      throw new ServingError('MODEL_INVALID', problem, { cause: error });
    }
  };

  if (warmup.inputs.length === 0 && !(await trial({ ...opened, resources })))
    await tryOut('a blank input', () => answerOne(task, model, task.blank(warmup.dimensions)));
  for (const path of warmup.inputs)
    await tryOut(`its recorded input ${path}`, async () => answerRecorded(task, model, path, await read(path)));
  return resources;
};
