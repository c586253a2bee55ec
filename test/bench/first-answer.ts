import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { json, text } from 'node:stream/consumers';

/** A process, of Node unless it names another program. */
export interface Command {
  readonly program?: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a process gave first. */
export interface FirstAnswer {
  readonly answer: unknown;
  /** From before the process was spawned until the whole answer was here. */
  readonly elapsedMs: number;
}

const RUNTIME_API = '/2018-06-01/runtime';
const EXTENSIONS_API = '/2020-01-01/extension';
const REQUEST_ID = '00000000-0000-0000-0000-000000000000';
const TIMEOUT_MS = 30_000;

const start = ({ program = process.execPath, args, cwd, environment }: Command) =>
  spawn(program, args, {
    cwd,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });

/** Rejects with what the process printed when it ends by itself. */
const failureOf = async (child: ReturnType<typeof start>): Promise<never> => {
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed = (printed + chunk).slice(-4_000);
    });
  const [status, signal] = await once(child, 'close');
  throw new Error(`${child.spawnargs.join(' ')} ended (${status ?? signal}) before it answered:\n${printed}`);
};

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

/** Starts a process that prints its answer as a line of JSON. @throws Error with what it printed when it fails */
export const firstLine = async (command: Command): Promise<FirstAnswer> => {
  const startMs = performance.now();
  const child = start(command);
  try {
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failureOf(child)]);
    return { answer: JSON.parse(line), elapsedMs: performance.now() - startMs };
  } finally {
    await kill(child);
  }
};

/**
 * Lambda's Runtime API with one event to hand out, and its Extensions API for a function that is its own extension.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, runtimes-extensions-api.html
 */
const startRuntimeApi = async (event: unknown) => {
  const body = JSON.stringify(event);
  const answered = Promise.withResolvers<unknown>();
  const handedOut = Promise.withResolvers<void>();
  let isHandedOut = false;
  let isAnnounced = false;

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>> = {
    [`${RUNTIME_API}/invocation/next`]: (_request, response) => {
      if (isHandedOut) return; // the process waits for more, as an environment does that Lambda freezes
      isHandedOut = true;
      response.setHeader('content-type', 'application/json');
      response.setHeader('lambda-runtime-aws-request-id', REQUEST_ID);
      response.setHeader('lambda-runtime-deadline-ms', Date.now() + TIMEOUT_MS);
      response.setHeader('lambda-runtime-invoked-function-arn', 'arn:aws:lambda:us-east-1:000000000000:function:bench');
      response.end(body);
      handedOut.resolve();
    },
    [`${RUNTIME_API}/invocation/${REQUEST_ID}/response`]: async (request, response) => {
      answered.resolve(await json(request));
      response.writeHead(202).end();
    },
    [`${EXTENSIONS_API}/register`]: (_request, response) => {
      response.setHeader('lambda-extension-identifier', 'bench').end('{}');
    },
    [`${EXTENSIONS_API}/event/next`]: async (_request, response) => {
      if (isAnnounced) return;
      isAnnounced = true;
      await handedOut.promise;
      response.end(JSON.stringify({ eventType: 'INVOKE', requestId: REQUEST_ID }));
    },
  };
  const fail = async (request: IncomingMessage): Promise<void> => {
    answered.reject(new Error(`${request.url}: ${await text(request)}`));
  };

  const server = createServer((request, response) => {
    void (routes[request.url ?? ''] ?? fail)(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered: answered.promise,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Starts a process of a function and hands it one event, as Lambda does. @throws Error with what it printed or reported when it fails */
export const firstResponse = async (command: Command, event: unknown): Promise<FirstAnswer> => {
  const api = await startRuntimeApi(event);
  const environment = { ...command.environment, AWS_LAMBDA_RUNTIME_API: api.address };
  const startMs = performance.now();
  const child = start({ ...command, environment });
  try {
    const answer = await Promise.race([api.answered, failureOf(child)]);
    return { answer, elapsedMs: performance.now() - startMs };
  } finally {
    await kill(child);
    api.stop();
  }
};
