import { NEVER } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import type { ReadFile } from '../core/payload.ts';
import type { OpenedGraphs, Trial } from '../engine/model-loader.ts';
import { answerOne } from '../tasks/answer-one.ts';
import { createTask } from '../tasks/index.ts';
import type { Task, TaskModel } from '../tasks/task.ts';
import { parseObject } from './inputs.ts';

/** A task and the model over which it answers. */
export interface ReadyTask {
  readonly task: Task;
  readonly model: TaskModel;
}

/** Creates the bundle's task and loads its resources. @throws `MODEL_INVALID` */
export const loadTask = async ({ bundle, graphs }: OpenedGraphs, read: ReadFile): Promise<ReadyTask> => {
  const task = await createTask(bundle);
  const resources = await task.load?.(read);
  return { task, model: { graphs, resources, maxBatch: bundle.maxBatch, deadline: NEVER } };
};

/**
 * Answers the warm-up inputs `paths` of a bundle, as they would be answered to a caller.
 * @throws `toFailure` of the first input that fails
 */
export const runWarmUp = async (
  { task, model }: ReadyTask,
  paths: readonly string[],
  read: ReadFile,
  toFailure: (path: string, error: unknown) => ServingError,
): Promise<void> => {
  for (const path of paths) {
    try {
      await answerOne(task, model, task.decode(await parseObject(path, await read(path))));
    } catch (error) {
      throw toFailure(path, error);
    }
  }
};

/**
 * Loads the resources of the bundle's task, which it returns, and runs the model's warm-up inputs. A first run is slow, and a model that
 * fails in it must not answer. A model without warm-up inputs is tried with the input of a caller, when one waits for it, and else with the
 * task's plainest input.
 * @throws `MODEL_INVALID` naming the input
 */
export const warmUp = async (opened: OpenedGraphs, read: ReadFile, trial: Trial): Promise<unknown> => {
  const { name, version, warmup } = opened.bundle;
  const ready = await loadTask(opened, read);
  const { task, model } = ready;
  const toFailure = (input: string, error: unknown): ServingError => {
    const problem = `model ${name} version ${version} failed on ${input}: ${ServingError.from(error).message}`;
    return new ServingError('MODEL_INVALID', problem, { cause: error });
  };
  if (warmup.inputs.length === 0 && !(await trial({ ...opened, resources: model.resources }))) {
    try {
      await answerOne(task, model, task.blank(warmup));
    } catch (error) {
      throw toFailure('a blank input', error);
    }
  }
  await runWarmUp(ready, warmup.inputs, read, (path, error) => toFailure(`its recorded input ${path}`, error));
  return model.resources;
};
