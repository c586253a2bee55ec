import { randomUUID } from 'node:crypto';
import { createQueue } from '../../src/core/queue.ts';
import { type ExecutionEnvironment, startExecutionEnvironment } from './execution-environment.ts';
import { type FunctionAnswer, joinAnswer, startAnswer } from './function-answer.ts';
import { FunctionError, THROTTLED } from './function-error.ts';
import type { FunctionOptions } from './function-options.ts';

/** A function as Lambda runs it with a concurrency of one: a process that handles one event at a time, replaced when it ends or takes too long. */
export interface FunctionProcess {
  /** Starts the process before the first event comes. @throws FunctionError when the module does not load. */
  init(): Promise<void>;
  /** Returns the handler's result; events wait for the ones before them. A stream is joined to one text, as on Lambda. @throws FunctionError */
  invoke(event: unknown): Promise<unknown>;
  /**
   * Returns when the answer begins. The function runs on when nobody reads its answer any more, as on Lambda.
   * @throws FunctionError
   */
  invokeStreaming(event: unknown): Promise<FunctionAnswer>;
  /** Ends the process, as Lambda does: it may finish for half a second. */
  stop(): Promise<void>;
}

/** Lambda gives 10 s; a busy machine that strips the types of sources needs more. */
const INIT_SECONDS = 60;

/** Keeps one process for a function, and starts another when that has ended. */
const createExecutionEnvironments = (options: FunctionOptions) => {
  let environment: ExecutionEnvironment | undefined;
  let isStopped = false;

  const start = (): ExecutionEnvironment => {
    if (isStopped) throw new FunctionError('Runtime.Stopped', `${options.name} was stopped`);
    const started = startExecutionEnvironment(options);
    started.ended.addEventListener('abort', () => {
      environment = undefined;
    });
    return started;
  };

  return {
    /** @throws FunctionError */
    ensureStarted: async (): Promise<ExecutionEnvironment> => {
      environment ??= start();
      const started = environment;
      const timer = setTimeout(() => {
        const message = `Init did not end within ${INIT_SECONDS} seconds`;
        started.end(new FunctionError('Sandbox.Timedout', message));
      }, INIT_SECONDS * 1000);
      try {
        await started.ready;
      } finally {
        clearTimeout(timer);
      }
      return started;
    },
    stop: async (): Promise<void> => {
      isStopped = true;
      await environment?.shutDown();
    },
  };
};

export const createFunction = (options: FunctionOptions): FunctionProcess => {
  const { timeoutSeconds, reservedConcurrency = Number.POSITIVE_INFINITY } = options;
  const { ensureStarted, stop } = createExecutionEnvironments(options);
  const oneByOne = createQueue();
  let active = 0;

  /** Runs one invocation to its end; `begin` hears of its answer, which may come before. */
  const run = async (event: unknown, begin: (answer: FunctionAnswer) => void): Promise<void> => {
    const started = await ensureStarted();
    const timeoutMs = timeoutSeconds * 1000;
    // From here, since a handler that blocks its thread cannot time itself.
    const timer = setTimeout(() => {
      const message = `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      started.end(new FunctionError('Sandbox.Timedout', message));
    }, timeoutMs);
    const deadlineMs = Date.now() + timeoutMs;
    const invocation = { type: 'invoke', requestId: randomUUID(), deadlineMs, payload: JSON.stringify(event) } as const;
    try {
      const { answer, over } = await startAnswer(started, invocation);
      begin(answer);
      await over;
    } finally {
      clearTimeout(timer);
    }
  };

  const invokeStreaming = async (event: unknown): Promise<FunctionAnswer> => {
    if (active >= reservedConcurrency) throw new FunctionError(THROTTLED, 'Rate Exceeded.');
    const { promise, resolve, reject } = Promise.withResolvers<FunctionAnswer>();
    active += 1;
    oneByOne(() => run(event, resolve))
      .catch(reject)
      .finally(() => {
        active -= 1;
      });
    return promise;
  };

  return {
    init: async () => {
      await ensureStarted();
    },
    invoke: async (event) => joinAnswer(await invokeStreaming(event)),
    invokeStreaming,
    stop,
  };
};
