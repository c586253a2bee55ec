import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { withCompileCache } from '../../authoring/compile-cache.ts';
import { type ErrorCode, ServingError } from '../../core/errors.ts';
import type { Jobs, JobType, Results } from './jobs.ts';

/** A message of the process. */
export type FromMeasuring =
  | { readonly type: 'done'; readonly result: Results[JobType] }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

const PROGRAM = fileURLToPath(new URL('./measuring-process.ts', import.meta.url));
/** Longest time of a job: a candidate may hang. */
const LIMIT_MS = 1_800_000;

/**
 * Does a job in a process of its own.
 * @throws the reason why it failed; `MODEL_INVALID` when the process crashed, or took half an hour
 */
export const startJob = async <T extends JobType>(type: T, job: Jobs[T]): Promise<Results[T]> => {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: withCompileCache(process.env),
  });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  const timer = setTimeout(stop, LIMIT_MS);
  const output = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve()); // it did not start
  });
  try {
    const done = new Promise<Results[T]>((resolve, reject) => {
      // The process answers a job with the result of its type.
      child.on('message', (message: FromMeasuring) => {
        if (message.type === 'done') resolve(message.result as Results[T]);
        else reject(new ServingError(message.code, message.message));
      });
      closed.then(async () => {
        const reason = (await output).trim().split('\n').at(-1) ?? '';
        const status = child.signalCode ?? `status ${child.exitCode}`;
        reject(
          new ServingError('MODEL_INVALID', `its measurement ended with ${status} ${reason.slice(0, 200)}`.trim()),
        );
      });
    });
    child.send({ type, job }, () => {}); // `closed` tells of a process that has ended
    return await done;
  } finally {
    clearTimeout(timer);
    process.off('exit', stop);
    stop();
    await closed;
  }
};
