import { once } from 'node:events';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import type { ExecutionEnvironment } from './execution-environment.ts';
import { FunctionError } from './function-error.ts';
import type { FromChild, Invocation } from './messages.ts';

/** The JSON that a handler returned, or a stream that it began, with the content type that it gives it. */
export type FunctionAnswer =
  | { readonly kind: 'result'; readonly payload: string }
  /** `body` fails with a FunctionError when the function fails on the way. */
  | { readonly kind: 'stream'; readonly contentType: string; readonly body: Readable };

const toError = ({ errorType, errorMessage }: Extract<FromChild, { type: 'failed' }>): FunctionError =>
  new FunctionError(errorType, errorMessage);

/** Waits for room in `body`. The bytes are dropped when nobody reads them any more. */
const writeChunk = async (body: Writable, bytes: Uint8Array, ended: AbortSignal): Promise<void> => {
  if (body.destroyed || body.write(bytes)) return;
  const waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, ended]);
  await Promise.race(['drain', 'close'].map((name) => once(body, name, { signal }).catch(() => undefined)));
  waiting.abort();
};

/** Copies a stream from the function's process to `body`, up to the end of the invocation. */
const copyStream = async (environment: ExecutionEnvironment, body: PassThrough): Promise<void> => {
  for (;;) {
    const message = await environment.ask({ type: 'next' });
    if (message.type === 'chunk') await writeChunk(body, message.bytes, environment.ended);
    else if (message.type === 'end') body.end();
    else if (message.type === 'failed') throw toError(message);
    else return;
  }
};

/** Waits for the first message of an answer, and tells the function when nobody does any more. @throws FunctionError */
const askFirst = async (
  environment: ExecutionEnvironment,
  invocation: Invocation,
  left: AbortSignal | undefined,
): Promise<FromChild> => {
  const first = environment.ask(invocation);
  const onLeft = (): void => environment.tell({ type: 'unawaited' });
  if (left?.aborted) onLeft();
  left?.addEventListener('abort', onLeft);
  return first.finally(() => left?.removeEventListener('abort', onLeft));
};

/**
 * Invokes the function. `over` ends with the invocation, which is after the answer when that is a stream. `left` aborts when nobody waits any more.
 * @throws FunctionError
 */
export const startAnswer = async (
  environment: ExecutionEnvironment,
  invocation: Invocation,
  left?: AbortSignal,
): Promise<{ readonly answer: FunctionAnswer; readonly over: Promise<void> }> => {
  const first = await askFirst(environment, invocation, left);
  if (first.type === 'failed') throw toError(first);
  if (first.type === 'succeeded')
    return { answer: { kind: 'result', payload: first.payload }, over: Promise.resolve() };
  if (first.type !== 'head') throw new Error(`the function's process began its answer with ${first.type}`);
  const body = new PassThrough();
  // The reader hears of an error. There may be none any more.
  body.on('error', () => undefined);
  const onClose = (): void => environment.tell({ type: 'gone' });
  body.once('close', onClose);
  const over = copyStream(environment, body)
    .catch((error: unknown) => {
      if (!body.writableEnded) body.destroy(error instanceof Error ? error : new Error(String(error)));
    })
    .finally(() => body.off('close', onClose));
  return { answer: { kind: 'stream', contentType: first.contentType, body }, over };
};

const parseResult = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Reads a whole answer: the value of its JSON, or the text of a stream that is none. @throws FunctionError above 6 MB */
export const joinAnswer = async (answer: FunctionAnswer): Promise<unknown> => {
  if (answer.kind === 'result') return JSON.parse(answer.payload);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > LAMBDA_PAYLOAD_BYTES)
      throw new FunctionError(
        'Function.ResponseSizeTooLarge',
        `the response has more than the ${LAMBDA_PAYLOAD_BYTES} bytes that are allowed`,
      );
  }
  return parseResult(Buffer.concat(chunks).toString());
};
