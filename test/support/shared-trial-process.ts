import { writeFileSync } from 'node:fs';
import type { FromTrial } from '../../src/authoring/start-trial.ts';
import { tryModel, type UntriedModel } from '../../src/authoring/try-model.ts';
import { ServingError } from '../../src/core/errors.ts';

/* As src/authoring/trial-process.ts, for one model after the other: the models of the tests, which end no process. */

const IDLE_MS = 5_000;

const send = (message: FromTrial): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });

/** The peak of memory counts from now on; elsewhere than in Linux, it stays that of all models. */
const forgetPeak = (): void => {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
};

const endLater = (): NodeJS.Timeout => setTimeout(() => process.exit(), IDLE_MS);
let timer = endLater();

process.on('disconnect', () => process.exit());
process.on('message', async (model: UntriedModel) => {
  clearTimeout(timer);
  forgetPeak();
  try {
    await send({ type: 'tried', model: await tryModel(model, (step) => send({ type: 'step', step })) });
  } catch (error) {
    const { code, message, operator } = ServingError.from(error);
    await send({ type: 'refused', code, message, operator });
  }
  timer = endLater();
});
