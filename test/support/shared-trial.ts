import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromTrial } from '../../src/authoring/start-trial.ts';
import type { TrialStep, TriedModel, UntriedModel } from '../../src/authoring/try-model.ts';
import { ServingError } from '../../src/core/errors.ts';
import { createQueue } from '../../src/core/queue.ts';

const PROGRAM = fileURLToPath(new URL('./shared-trial-process.ts', import.meta.url));

let child: ChildProcess | undefined;

/** The process of this test file. It keeps no program running, and ends when nobody has asked it for a while. */
const ensureProcess = (): ChildProcess => {
  if (child?.connected) return child;
  child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  child.unref();
  return child;
};

const oneByOne = createQueue();

/**
 * Tries a model in a process that has tried others, in a tenth of the time that a process of its own takes.
 * @returns undefined where the process ended: whoever asks tries the model in a process of its own
 * @throws the refusal of the model
 */
export const tryShared = (model: UntriedModel, onStep: (step: TrialStep) => void): Promise<TriedModel | undefined> =>
  oneByOne(() => {
    const own = ensureProcess();
    own.ref();
    return new Promise<TriedModel | undefined>((resolve, reject) => {
      const onEnd = (): void => resolve(undefined);
      const onMessage = (message: FromTrial): void => {
        if (message.type === 'step') {
          onStep(message.step);
          return;
        }
        if (message.type === 'tried') resolve(message.model);
        else reject(new ServingError(message.code, message.message, { operator: message.operator }));
        for (const name of ['disconnect', 'error']) own.off(name, onEnd);
        own.off('message', onMessage);
        own.unref();
        own.channel?.unref();
      };
      own.on('message', onMessage);
      own.once('disconnect', onEnd);
      own.once('error', onEnd);
      own.channel?.ref();
      own.send(model, (error) => error && resolve(undefined));
    });
  });
