import { randomUUID } from 'node:crypto';
import { createQueue } from '../../src/core/queue.ts';
import { type ExecutionEnvironment, startExecutionEnvironment } from './execution-environment.ts';
import { type FunctionAnswer, joinAnswer, startAnswer } from './function-answer.ts';
import { FunctionError, THROTTLED } from './function-error.ts';
import type { FunctionOptions } from './function-options.ts';

/** A function as Lambda runs it: processes that handle one event at a time, each replaced when it ends or takes too long. */
export interface FunctionProcess {
  /** Starts the process before the first event comes. @throws FunctionError when the module does not load. */
  init(): Promise<void>;
  /**
   * Returns the handler's result; events wait for the ones before them. A stream is joined to one text, as on Lambda. When `left` aborts,
   * nobody waits any more, and the handler is told that no time remains; on Lambda it would run on.
   * @throws FunctionError
   */
  invoke(event: unknown, left?: AbortSignal): Promise<unknown>;
  /**
   * Returns when the answer begins. The function runs on when nobody reads its answer any more, as on Lambda.
   * @throws FunctionError
   */
  invokeStreaming(event: unknown, left?: AbortSignal): Promise<FunctionAnswer>;
  /** Ends the process, as Lambda does: it may finish for half a second. */
  stop(): Promise<void>;
}

/** Lambda gives 10 s; a busy machine that strips the types of sources needs more. */
const INIT_SECONDS = 60;

/** Keeps one process for a function, and starts another when that has ended. */
const createExecutionEnvironments = (options: FunctionOptions) => {
  const { name, onLine } = options;
  let environment: ExecutionEnvironment | undefined;
  let isStopped = false;
  let ending: Promise<void> | undefined;

  const start = (): ExecutionEnvironment => {
    if (isStopped) throw new FunctionError('Runtime.Stopped', `${name} was stopped`);
    const started = startExecutionEnvironment(options);
    started.ended.addEventListener('abort', () => {
      if (environment === started) environment = undefined;
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
        onLine(`${name}: ${message}`);
        started.end(new FunctionError('Sandbox.Timedout', message));
      }, INIT_SECONDS * 1000);
      try {
        await started.ready;
      } finally {
        clearTimeout(timer);
      }
      return started;
    },
    isStarted: (): boolean => environment !== undefined,
    /** Ends the process; the next event starts another. */
    end: (): void => {
      ending = environment?.shutDown();
      environment = undefined;
    },
    stop: async (): Promise<void> => {
      isStopped = true;
      await Promise.all([ending, environment?.shutDown()]);
    },
  };
};

type Begin = (answer: FunctionAnswer) => void;

/** A process that answers one event after the other, and is ended when it has had none for a time. */
const createLane = (options: FunctionOptions) => {
  const { name, timeoutSeconds, onLine, idleMs = Number.POSITIVE_INFINITY } = options;
  const { ensureStarted, isStarted, end, stop } = createExecutionEnvironments(options);
  const oneByOne = createQueue();
  let active = 0;
  let idling: NodeJS.Timeout | undefined;

  /** Runs one invocation to its end; `begin` hears of its answer, which may come before. */
  const run = async (event: unknown, begin: Begin, left?: AbortSignal): Promise<void> => {
    const started = await ensureStarted();
    const timeoutMs = timeoutSeconds * 1000;
    // From here, since a handler that blocks its thread cannot time itself.
    const timer = setTimeout(() => {
      const message = `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      onLine(`${name}: ${message}`);
      started.end(new FunctionError('Sandbox.Timedout', message));
    }, timeoutMs);
    const deadlineMs = Date.now() + timeoutMs;
    const invocation = { type: 'invoke', requestId: randomUUID(), deadlineMs, payload: JSON.stringify(event) } as const;
    try {
      const { answer, over } = await startAnswer(started, invocation, left);
      begin(answer);
      await over;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    ensureStarted,
    isStarted,
    active: (): number => active,
    run: async (event: unknown, begin: Begin, left?: AbortSignal): Promise<void> => {
      active += 1;
      clearTimeout(idling);
      try {
        await oneByOne(() => run(event, begin, left));
      } finally {
        active -= 1;
        if (active === 0 && Number.isFinite(idleMs)) idling = setTimeout(end, idleMs);
      }
    },
    stop: async (): Promise<void> => {
      clearTimeout(idling);
      await stop();
    },
  };
};

type Lane = ReturnType<typeof createLane>;

/** The files of each process lie in a folder of its own, as each environment has a /tmp. */
const optionsOf = (options: FunctionOptions, lane: number): FunctionOptions => {
  const folder = options.environment.MODEL_CACHE_DIR;
  if (lane === 0 || folder === undefined) return options;
  return { ...options, environment: { ...options.environment, MODEL_CACHE_DIR: `${folder}-${lane + 1}` } };
};

export const createFunction = (options: FunctionOptions): FunctionProcess => {
  const { reservedConcurrency = Number.POSITIVE_INFINITY, environments = 1 } = options;
  const lanes = Array.from({ length: environments }, (_, lane) => createLane(optionsOf(options, lane)));
  /** The lanes in the order of their last use: Lambda prefers the environment that was used last. */
  let order: readonly Lane[] = lanes;

  const choose = (): Lane | undefined => {
    const free = order.filter((lane) => lane.active() === 0);
    const leastBusy = order.toSorted((a, b) => a.active() - b.active())[0];
    return free.find((lane) => lane.isStarted()) ?? free[0] ?? leastBusy;
  };

  const invokeStreaming = async (event: unknown, left?: AbortSignal): Promise<FunctionAnswer> => {
    const active = lanes.reduce((sum, lane) => sum + lane.active(), 0);
    if (active >= reservedConcurrency) throw new FunctionError(THROTTLED, 'Rate Exceeded.');
    const { promise, resolve, reject } = Promise.withResolvers<FunctionAnswer>();
    const lane = choose();
    lane
      ?.run(event, resolve, left)
      .catch(reject)
      .finally(() => {
        order = [lane, ...order.filter((other) => other !== lane)];
      });
    return promise;
  };

  return {
    init: async () => {
      await lanes[0]?.ensureStarted();
    },
    invoke: async (event, left) => joinAnswer(await invokeStreaming(event, left)),
    invokeStreaming,
    stop: async () => {
      await Promise.all(lanes.map((lane) => lane.stop()));
    },
  };
};
