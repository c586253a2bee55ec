/**
 * What runs in the process of a function, in place of Lambda's runtime: loads the module named by the first argument (this is
 * init, of which top-level await is a part), then answers invocations until the parent goes away.
 */
import type { Context } from 'aws-lambda';
import type { FromChild, Invocation } from './function-process.ts';

/** What Lambda lets a function return at most. */
const LARGEST_RESPONSE_BYTES = 6_291_556;

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const send = (message: FromChild): void => {
  process.send?.(message);
};

const contextOf = ({ requestId, deadlineMs }: Invocation): Context => {
  const { env } = process;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
    invokedFunctionArn: `arn:aws:lambda:${env.AWS_REGION}:000000000000:function:${env.AWS_LAMBDA_FUNCTION_NAME}`,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '',
    awsRequestId: requestId,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    // For callback handlers, which Node 24's runtime no longer has; the type still asks for them.
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
};

// Ctrl-C reaches every process of the terminal; the parent is the one to end this one.
process.on('SIGINT', () => undefined);
// A function whose parent is gone can answer nobody.
process.on('disconnect', () => process.exit());

const { handler } = (await import(process.argv[2] ?? '')) as { handler: Handler };

process.on('message', async (invocation: Invocation) => {
  try {
    const payload = JSON.stringify((await handler(invocation.event, contextOf(invocation))) ?? null);
    if (Buffer.byteLength(payload) > LARGEST_RESPONSE_BYTES)
      throw new RangeError(
        `the response has ${Buffer.byteLength(payload)} bytes, at most ${LARGEST_RESPONSE_BYTES} are allowed`,
      );
    send({ type: 'succeeded', payload });
  } catch (error) {
    console.error('Invoke Error', error);
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: String(error) };
    send({ type: 'failed', errorType: name, errorMessage: message });
  }
});

send({ type: 'ready' });
