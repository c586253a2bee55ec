/**
 * The program in the process of a function, in place of Lambda's runtime. It loads the module named by the first argument (this is
 * init, of which top-level await is a part), then answers invocations until the parent goes away.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { finished } from 'node:stream/promises';
import type { Context } from 'aws-lambda';
import { LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';
import { LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import { ServingError } from '../../src/core/errors.ts';
import { createQueue } from '../../src/core/queue.ts';
import type { FromChild, Invocation, ToChild } from './messages.ts';
import { awslambda, isStreaming, ResponseStream } from './response-stream.ts';

type Handler = (event: unknown, ...rest: readonly unknown[]) => unknown;

/** True when nobody waits any more for the answer of the invocation under way. */
let isUnawaited = false;

const contextOf = ({ requestId, deadlineMs }: Invocation): Context => {
  const { env } = process;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
    invokedFunctionArn: `arn:aws:lambda:${env.AWS_REGION}:${LOCAL_ACCOUNT}:function:${env.AWS_LAMBDA_FUNCTION_NAME}`,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '',
    awsRequestId: requestId,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
    getRemainingTimeInMillis: () => (isUnawaited ? 0 : Math.max(0, deadlineMs - Date.now())),
    // For callback handlers, which Node 24's runtime no longer has; the type still asks for them.
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
};

const inOrder = createQueue();
let asked = Promise.withResolvers<void>();

/** Sends one message for each that the parent asks for, so that nothing piles up between the two processes. */
const post = (message: FromChild): Promise<void> =>
  inOrder(async () => {
    await asked.promise;
    asked = Promise.withResolvers();
    process.send?.(message);
  });

/** Calls a handler that returns its answer. */
const answer = async (handler: Handler, invocation: Invocation): Promise<void> => {
  const payload = JSON.stringify((await handler(JSON.parse(invocation.payload), contextOf(invocation))) ?? null);
  const sizeBytes = Buffer.byteLength(payload);
  if (sizeBytes > LAMBDA_PAYLOAD_BYTES)
    throw new RangeError(`the response has ${sizeBytes} bytes, at most ${LAMBDA_PAYLOAD_BYTES} are allowed`);
  await post({ type: 'succeeded', payload });
};

const GONE = new Error('the client has gone away');
let streaming: ResponseStream | undefined;

/** Calls a handler that writes its answer, and waits until it has ended its stream, as Lambda does, or until it has noticed that nobody reads it. */
const streamAnswer = async (handler: Handler, invocation: Invocation): Promise<void> => {
  const stream = new ResponseStream(post);
  streaming = stream;
  const written = finished(stream, { readable: false });
  const handled = (async () => handler(JSON.parse(invocation.payload), stream, contextOf(invocation)))();
  try {
    await Promise.all([handled, written]);
  } catch (error) {
    if (stream.errored !== GONE) throw error;
    await handled.catch(() => undefined);
  } finally {
    streaming = undefined;
    stream.destroy();
  }
  await post({ type: 'succeeded', payload: 'null' });
};

const invoke = async (handler: Handler, invocation: Invocation): Promise<void> => {
  try {
    await (isStreaming(handler) ? streamAnswer : answer)(handler, invocation);
  } catch (error) {
    console.error('Invoke Error', error);
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
    await post({ type: 'failed', errorType: name, errorMessage: message });
  }
};

const isHandler = (value: unknown): value is Handler => typeof value === 'function';

const load = async (modulePath = '', handlerName = ''): Promise<Handler> => {
  const module: Readonly<Record<string, unknown>> = await import(modulePath);
  const handler = module[handlerName];
  if (!isHandler(handler)) throw new Error(`${modulePath} exports no function ${handlerName}`);
  return handler;
};

// Ctrl-C reaches every process of the terminal; the parent is the one to end this one.
process.on('SIGINT', () => undefined);
// A function whose parent is gone can answer nobody.
process.on('disconnect', () => process.exit());
Object.assign(globalThis, { awslambda });
enableCompileCache(); // init takes less than half of the time

const [, , modulePath, handlerName] = process.argv;
const handler = await load(modulePath, handlerName).catch(async (error: unknown) => {
  if (!(error instanceof ServingError)) throw error;
  // A wrong setting: its message says all, and Node would print a stack.
  const { name: errorType, message: errorMessage } = error;
  await new Promise((sent) => process.send?.({ type: 'failed', errorType, errorMessage } satisfies FromChild, sent));
  return process.exit(1);
});

process.on('message', (message: ToChild) => {
  if (message.type === 'gone') streaming?.destroy(GONE);
  else if (message.type === 'unawaited') isUnawaited = true;
  else asked.resolve();
  if (message.type !== 'invoke') return;
  isUnawaited = false;
  invoke(handler, message);
});

process.send?.({ type: 'ready' } satisfies FromChild);
flushCompileCache(); // the process may be killed
