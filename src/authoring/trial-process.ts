import { ServingError } from '../core/errors.ts';
import type { FromTrial } from './start-trial.ts';
import { tryModel, type UntriedModel } from './try-model.ts';

/*
 * The process in which push tries a model: a graph can crash the runtime, or take any time and memory. It gets one model, and ends.
 */

/** Resolves when the message is out: a native crash behind it loses none. */
const send = (message: FromTrial): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });

process.once('message', async (model: UntriedModel) => {
  try {
    await send({ type: 'tried', model: await tryModel(model, (step) => send({ type: 'step', step })) });
  } catch (error) {
    const { code, message, operator } = ServingError.from(error);
    await send({ type: 'refused', code, message, operator });
  }
  process.exit();
});
