import { type ChildProcess, spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LAMBDA_MOST_MEMORY_MB } from '../core/aws-limits.ts';
import { type ErrorCode, ServingError } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB, formatLambdaMb } from '../core/format-bytes.ts';
import { withCompileCache } from './compile-cache.ts';
import { watchMemory } from './process-memory.ts';
import type { TrialStep, TriedModel, UntriedModel } from './try-model.ts';

/** A message of the process. */
export type FromTrial =
  | { readonly type: 'step'; readonly step: TrialStep }
  | { readonly type: 'tried'; readonly model: TriedModel }
  | {
      readonly type: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly operator: string | undefined;
    };

/** Limits of a trial, after which its process is ended. */
export interface TrialLimits {
  readonly timeMs: number;
  readonly memoryBytes: number;
}

/** A trial may take most of this computer, and no more than the largest function has. */
export const TRIAL_LIMITS: TrialLimits = {
  timeMs: 300_000,
  memoryBytes: Math.min(LAMBDA_MOST_MEMORY_MB * BYTES_PER_LAMBDA_MB, Math.floor(totalmem() * 0.75)),
};

const PROGRAM = fileURLToPath(new URL('./trial-process.ts', import.meta.url));
const POLL_MS = 50;

/** A process that waits for its model, while the folder of the model is being read. */
export interface Trial {
  /** @throws why the model cannot be served: a refusal, a native crash, too much time or memory */
  run(model: UntriedModel, onStep?: (step: TrialStep) => void): Promise<TriedModel>;
  /** Ends the process, whatever it does. */
  stop(): void;
}

const invalid = (problem: string): ServingError => new ServingError('MODEL_INVALID', problem);

/** The last message that the process wrote before it ended, such as the reason of an abort. */
const lastMessage = (output: string): string => {
  const line = output.split('\n').findLast((each) => /^\S/.test(each) && !each.startsWith('Node.js')) ?? '';
  return line === '' ? '' : ` (${line.slice(0, 200)})`;
};

const ended = ({ signalCode, exitCode }: ChildProcess, step: TrialStep, output: string): ServingError =>
  invalid(
    `${step} ended the process of the runtime with ${signalCode ?? `status ${exitCode}`}${lastMessage(output)}; ` +
      'export the model anew, or with other operators',
  );

const tookTooLong = (step: TrialStep, { timeMs }: TrialLimits): ServingError =>
  invalid(`${step} takes longer than the ${timeMs / 1000} s that push allows; make the model smaller`);

const tookTooMuch = (step: TrialStep, { memoryBytes }: TrialLimits, usedBytes: number): ServingError =>
  invalid(
    `${step} takes more memory than the ${formatLambdaMb(memoryBytes)} that push allows (${formatLambdaMb(usedBytes)} so far), ` +
      `and a function has at most ${LAMBDA_MOST_MEMORY_MB} MB (parameter memory); make the model smaller`,
  );

/** Starts the process in which a model will be tried. */
export const startTrial = (limits: TrialLimits = TRIAL_LIMITS): Trial => {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: withCompileCache(process.env),
  });
  const output = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve()); // it did not start
  });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  closed.then(() => process.off('exit', stop));

  const run: Trial['run'] = (model, onStep = () => {}) =>
    new Promise((resolve, reject) => {
      let step: TrialStep = 'its load';
      const timer = setTimeout(() => reject(tookTooLong(step, limits)), limits.timeMs);
      const unwatch = watchMemory(child.pid ?? 0, limits.memoryBytes, POLL_MS, (usedBytes) =>
        reject(tookTooMuch(step, limits, usedBytes)),
      );
      child.on('message', (message: FromTrial) => {
        if (message.type === 'step') {
          step = message.step;
          onStep(step);
        } else if (message.type === 'tried') resolve(message.model);
        else reject(new ServingError(message.code, message.message, { operator: message.operator }));
      });
      closed.then(async () => {
        clearTimeout(timer);
        unwatch();
        reject(ended(child, step, await output)); // of no effect behind an answer
      });
      child.send(model, () => {}); // `closed` tells of a process that has ended
    });
  return { run, stop };
};
