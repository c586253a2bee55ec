import { type ChildProcess, spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LAMBDA_MOST_MEMORY_MB } from '../core/aws-limits.ts';
import { type ErrorCode, ServingError } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB, formatLambdaMb } from '../core/format-bytes.ts';
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
  run(model: UntriedModel): Promise<TriedModel>;
  /** Ends the process, whatever it does. */
  stop(): void;
}

const invalid = (problem: string): ServingError => new ServingError('MODEL_INVALID', problem);

/** The last line that the runtime wrote before it ended, such as the reason of an abort. */
const lastLine = (output: string): string => {
  const line = output.trim().split('\n').at(-1) ?? '';
  return line === '' ? '' : ` (${line.slice(0, 200)})`;
};

const describeEnd = (child: ChildProcess, step: TrialStep, stderr: string): ServingError => {
  const end = child.signalCode ?? `status ${child.exitCode}`;
  return invalid(
    `${step} ended the process of the runtime with ${end}${lastLine(stderr)}; export the model anew, or with other operators`,
  );
};

/** Resolves to the tried model. */
const converse = (child: ChildProcess, model: UntriedModel, { timeMs, memoryBytes }: TrialLimits) =>
  new Promise<TriedModel>((resolve, reject) => {
    let step: TrialStep = 'its load';
    const stderr = child.stderr ? text(child.stderr) : Promise.resolve('');
    const timer = setTimeout(
      () =>
        reject(invalid(`${step} takes longer than the ${timeMs / 1000} s that push allows; make the model smaller`)),
      timeMs,
    );
    const unwatch = watchMemory(child.pid ?? 0, memoryBytes, POLL_MS, (usedBytes) =>
      reject(
        invalid(
          `${step} takes more memory than the ${formatLambdaMb(memoryBytes)} that push allows (${formatLambdaMb(usedBytes)} so far), ` +
            `and a function has at most ${LAMBDA_MOST_MEMORY_MB} MB (parameter memory); make the model smaller`,
        ),
      ),
    );
    child.on('message', (message: FromTrial) => {
      if (message.type === 'step') step = message.step;
      else if (message.type === 'tried') resolve(message.model);
      else reject(new ServingError(message.code, message.message, { operator: message.operator }));
    });
    child.once('error', reject);
    child.once('close', async () => {
      clearTimeout(timer);
      unwatch();
      reject(describeEnd(child, step, await stderr)); // of no effect when there was an answer
    });
    child.send(model, () => {}); // a process that has ended is told by "close"
  });

/** Starts the process in which a model will be tried. */
export const startTrial = (limits: TrialLimits = TRIAL_LIMITS): Trial => {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  child.once('exit', () => process.off('exit', stop));
  return { run: (model) => converse(child, model, limits), stop };
};
