import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../aws/embedded-aws.ts';

export interface FunctionOptions {
  readonly name: string;
  /** The module that exports `handler`: a source, or a bundle. */
  readonly modulePath: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** What the service sets, in addition to what Lambda sets. Of this process's own variables only `PATH` is passed on. */
  readonly environment: Readonly<Record<string, string>>;
  /** Receives each line that the function logs. */
  readonly onLine: (line: string) => void;
}

/** A function as Lambda runs it with a concurrency of one: a process that handles one event at a time, replaced when it ends or takes too long. */
export interface FunctionProcess {
  /** Starts the process before the first event comes. @throws FunctionError when the module does not load. */
  init(): Promise<void>;
  /** Returns what the handler returned; events wait for the ones before them. @throws FunctionError */
  invoke(event: unknown): Promise<unknown>;
  /** Ends the process at once, as Lambda does. */
  stop(): Promise<void>;
}

export interface Invocation {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly event: unknown;
}

export type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'succeeded'; readonly payload: string }
  | { readonly type: 'failed'; readonly errorType: string; readonly errorMessage: string };

/** What Lambda answers when a handler throws, takes too long, or ends its process. `name` is Lambda's `errorType`. */
export class FunctionError extends Error {
  constructor(errorType: string, message: string) {
    super(message);
    this.name = errorType;
  }
}

const CHILD = fileURLToPath(new URL('./function-child.ts', import.meta.url));

const environmentOf = ({ name, memoryMb, environment }: FunctionOptions): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
  AWS_REGION: LOCAL_REGION,
  AWS_DEFAULT_REGION: LOCAL_REGION,
  AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
  AWS_LAMBDA_LOG_STREAM_NAME: 'local',
  ...environment,
});

/** @throws FunctionError when the child ends instead of sending one. */
const nextMessage = (child: ChildProcess): Promise<FromChild> =>
  new Promise((resolve, reject) => {
    const onExit = (status: number | null, signal: string | null): void => {
      const cause = signal === null ? `exit status ${status}` : `signal ${signal}`;
      reject(new FunctionError('Runtime.ExitError', `Runtime exited with ${cause}`));
    };
    child.once('exit', onExit);
    child.once('message', (message: FromChild) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });

export const createFunction = (options: FunctionOptions): FunctionProcess => {
  const { modulePath, timeoutSeconds, onLine } = options;
  let child: ChildProcess | undefined;
  let ready: Promise<ChildProcess> | undefined;
  let previous: Promise<unknown> = Promise.resolve();
  let isStopped = false;

  const start = async (): Promise<ChildProcess> => {
    if (isStopped) throw new FunctionError('Runtime.Stopped', `${options.name} was stopped`);
    const started = spawn(process.execPath, [CHILD, pathToFileURL(modulePath).href], {
      env: environmentOf(options),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child = started;
    started.once('exit', () => {
      child = undefined;
      ready = undefined;
    });
    for (const input of [started.stdout, started.stderr]) if (input) createInterface({ input }).on('line', onLine);
    await nextMessage(started);
    return started;
  };

  const ensureStarted = (): Promise<ChildProcess> => {
    ready ??= start();
    return ready;
  };

  const invokeNow = async (event: unknown): Promise<unknown> => {
    const started = await ensureStarted();
    const requestId = randomUUID();
    const timeoutMs = timeoutSeconds * 1000;
    let isLate = false;
    // From here, since a handler that blocks its thread cannot time itself.
    const timer = setTimeout(() => {
      isLate = true;
      started.kill('SIGKILL');
    }, timeoutMs);
    try {
      const answer = nextMessage(started);
      // A failure to send is the end of the process, which `answer` reports.
      started.send({ requestId, deadlineMs: Date.now() + timeoutMs, event } satisfies Invocation, () => undefined);
      const message = await answer;
      if (message.type === 'failed') throw new FunctionError(message.errorType, message.errorMessage);
      return message.type === 'succeeded' ? JSON.parse(message.payload) : undefined;
    } catch (error) {
      if (!isLate) throw error;
      throw new FunctionError('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    init: async () => {
      await ensureStarted();
    },
    invoke: (event) => {
      const result = previous.then(() => invokeNow(event));
      previous = result.catch(() => undefined);
      return result;
    },
    stop: async () => {
      isStopped = true;
      if (!child) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
};
