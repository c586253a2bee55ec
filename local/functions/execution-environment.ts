import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { FunctionError } from './function-error.ts';
import type { FunctionOptions } from './function-options.ts';
import { watchMemoryLimit } from './memory-limit.ts';
import type { FromChild, ToChild } from './messages.ts';

/** A process of a function, as Lambda's execution environment: it begins with init, and ends once. */
export interface ExecutionEnvironment {
  /** Init. @throws FunctionError when the module does not load */
  readonly ready: Promise<unknown>;
  /** Aborts when the process has ended. */
  readonly ended: AbortSignal;
  /** Sends a message and waits for the one that answers it. @throws FunctionError when the process ends instead */
  ask(message: ToChild): Promise<FromChild>;
  /** Sends a message that is not answered. */
  tell(message: ToChild): void;
  /** Ends the process at once. `reason` is the error of the invocation under way. */
  end(reason?: FunctionError): Promise<void>;
  /** Lets the process end what it has begun, within half a second, as Lambda does when it needs the environment no more. */
  shutDown(): Promise<void>;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown */
const SHUTDOWN_MS = 500;

const CHILD = fileURLToPath(new URL('./function-child.ts', import.meta.url));

const environmentOf = ({ name, memoryMb, environment }: FunctionOptions): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
  AWS_REGION: DEFAULT_REGION,
  AWS_DEFAULT_REGION: DEFAULT_REGION,
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

const spawnChild = (options: FunctionOptions): ChildProcess => {
  const { modulePath, handlerName = 'handler', onLine } = options;
  const child = spawn(process.execPath, [CHILD, pathToFileURL(modulePath).href, handlerName], {
    env: environmentOf(options),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced', // bytes stay bytes
  });
  for (const input of [child.stdout, child.stderr]) if (input) createInterface({ input }).on('line', onLine);
  return child;
};

/** Lambda's words for a process that ended by itself. */
const exitError = (status: number | null, signal: string | null): FunctionError =>
  new FunctionError(
    'Runtime.ExitError',
    `Runtime exited with ${signal === null ? `exit status ${status}` : `signal ${signal}`}`,
  );

/** @throws FunctionError with the words of a function that was not set up right */
const assertReady = (message: FromChild): void => {
  if (message.type === 'failed') throw new FunctionError(message.errorType, message.errorMessage);
};

export const startExecutionEnvironment = (options: FunctionOptions): ExecutionEnvironment => {
  const { name, memoryMb, onLine } = options;
  const child = spawnChild(options);
  const ended = new AbortController();
  let reason: FunctionError | undefined;

  const end = async (why?: FunctionError): Promise<void> => {
    reason ??= why;
    if (ended.signal.aborted) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  const shutDown = async (): Promise<void> => {
    if (ended.signal.aborted) return;
    const timer = setTimeout(end, SHUTDOWN_MS);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited.finally(() => clearTimeout(timer));
  };

  const endOutOfMemory = (usedMb: number): void => {
    const message = 'Runtime exited with error: signal: killed';
    onLine(
      `${name}: ${message}. Error Type: Runtime.OutOfMemory. Memory Size: ${memoryMb} MB. Memory Used: ${usedMb} MB`,
    );
    end(new FunctionError('Runtime.OutOfMemory', message));
  };
  const unwatch = child.pid === undefined ? () => undefined : watchMemoryLimit(child.pid, memoryMb, endOutOfMemory);
  child.once('exit', (status, signal) => {
    unwatch();
    ended.abort(reason ?? exitError(status, signal));
  });

  // A process that cannot be started has no exit.
  if (child.pid === undefined)
    child.once('error', ({ message }) => ended.abort(new FunctionError('Runtime.ExitError', message)));

  const nextMessage = async (): Promise<FromChild> => {
    ended.signal.throwIfAborted();
    try {
      const [message] = await once(child, 'message', { signal: ended.signal });
      return message;
    } catch (error) {
      throw ended.signal.aborted ? ended.signal.reason : error;
    }
  };

  const ask = (message: ToChild): Promise<FromChild> => {
    const answer = nextMessage();
    // A failure to send is the end of the process, which `answer` reports.
    child.send(message, () => undefined);
    return answer;
  };
  const tell = (message: ToChild): void => {
    child.send(message, () => undefined);
  };
  return { ready: nextMessage().then(assertReady), ended: ended.signal, ask, tell, end, shutDown };
};
