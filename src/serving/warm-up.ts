import { ServingError } from '../core/errors.ts';
import { type LoadedModel, mainGraph, type ReadArtefact } from '../engine/model-cache.ts';
import { parseObject } from './inputs.ts';
import { createTask } from './tasks.ts';

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
    await tryOut(`its recorded input ${path}`, async () => {
      const request = task.decode(parseObject(path, await read(path)));
      const [outcome] = await task.predict([request], session, () => {});
      if (outcome?.status !== 'fulfilled') throw outcome?.reason;
    });
};
