import { ServingError } from '../core/errors.ts';
import { type LoadedModel, mainGraph, type ReadArtefact } from '../engine/model-cache.ts';
import type { Session } from '../engine/session.ts';
import type { Task } from '../tasks/task.ts';
import { parseObject } from './inputs.ts';
import { createTask } from './tasks.ts';

/** Answers a recorded input as it would be answered to a caller. @throws whatever a caller would be told */
export const runRecorded = async (task: Task, session: Session, path: string, body: Uint8Array): Promise<void> => {
  const request = task.decode(parseObject(path, body));
  const [outcome] = await task.predict([request], session, () => {});
  if (outcome?.status !== 'fulfilled') throw outcome?.reason;
};

/**
 * Runs the inputs that came with a model, as a caller would send them, or the task's plainest one when there are none: what runs
 * for the first time is slow, and a model that fails on them must not answer.
 * @throws `MODEL_INVALID` naming the input
 */
export const warmUp = async (model: LoadedModel, read: ReadArtefact): Promise<void> => {
  const { bundle } = model;
  const { dimensions, inputs } = bundle.warmup;
  const session = mainGraph(model);
  const task = createTask(bundle);

  const tryOut = async (what: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      const { message } = ServingError.from(error);
      const problem = `model ${bundle.name} version ${bundle.version} failed on ${what}: ${message}`;
      throw new ServingError('MODEL_INVALID', problem, { cause: error });
    }
  };

  if (inputs.length === 0)
    await tryOut('a blank input', async () => session.run(await task.blank(session.signature, dimensions)));
  for (const path of inputs)
    await tryOut(`its recorded input ${path}`, async () => runRecorded(task, session, path, await read(path)));
};
