import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_TIMER_MS } from '../../core/deadline.ts';
import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { type BlockBody, SILENCE_STEPS } from './block-connection.ts';
import { isRefusal } from './s3-requests.ts';

/** The time that S3 is given. */
export interface Patience {
  /** Silence after which a request is given up, and its rest is asked for again. */
  readonly silenceMs: number;
  /** A body that comes slower than this is silent. */
  readonly leastBytesPerSecond: number;
  /** The limit for one operation with all its requests, to which the time for its bytes at the least speed is added. */
  readonly operationMs: number;
}

/** Within a region, S3 sends its first byte in some 100 ms, and 40 MB in a second. An HTTP API waits 29 s. */
export const FUNCTION_PATIENCE: Patience = {
  silenceMs: 3_000,
  leastBytesPerSecond: 64 * 1024,
  operationMs: 10_000,
};

/** For the command line, behind any line. */
export const COMMAND_PATIENCE: Patience = { silenceMs: 20_000, leastBytesPerSecond: 1024, operationMs: 60_000 };

/** Time limits of the command line's clients of AWS. A call takes as long as it takes; a connection that is silent for so long is broken. */
export const COMMAND_TIMEOUTS = { connectionTimeout: 5_000, socketTimeout: COMMAND_PATIENCE.silenceMs };

/** Requests for one object, range, page or change, at most. The SDK sends each once: its own retries cover no bodies, and run out. */
export const TRIES = 4;

/** Requests that were sent for one object, range, page or change so far. */
export interface Tries {
  count: number;
}

/** Refusals below 500 that pass; the SDK sets its clock by the last. */
const PASSING_REFUSALS = new Set([
  'OperationAborted',
  'RequestTimeout',
  'SlowDown',
  'TooManyRequests',
  'RequestTimeTooSkewed',
]);
/** Statuses of refusals that pass. A HEAD, and many a proxy, answer without an error of S3. */
const PASSING_STATUSES = new Set([408, 429]);
const FIRST_PAUSE_MS = 50;

/** Pauses before try `number`, from 2: the longer the later, with jitter. */
const pause = (number: number): Promise<void> => sleep(Math.random() * FIRST_PAUSE_MS * 2 ** number);

/** The status of a refusal; 0 for another error. A body that is not the XML of S3 leaves the SDK no more than the response. */
export const statusOf = (error: unknown): number => {
  if (isRefusal(error)) return error.$metadata.httpStatusCode ?? 0;
  const response = error instanceof Error && '$response' in error ? error.$response : undefined;
  return isObject(response) && typeof response.statusCode === 'number' ? response.statusCode : 0;
};

/** Tells whether a request that failed may succeed at once: nothing, half an answer, or a passing refusal came. */
const isPassing = (error: unknown): boolean => {
  const status = statusOf(error);
  const isRefused = status >= 300 && status < 500;
  if (!isRefused || PASSING_STATUSES.has(status)) return true;
  if (!isRefusal(error)) return false;
  return PASSING_REFUSALS.has(error.name) || 'clockSkewCorrected' in error.$metadata;
};

const silent = (ms: number): ServingError =>
  new ServingError('MODEL_UNAVAILABLE', 'the storage has stopped to answer', {
    operator: `S3 was silent, or slower than the least speed, for ${ms} ms`,
  });

/** Milliseconds for one operation that moves up to `bytes` bytes; a longer time than a timer takes would end at once. */
const timeFor = ({ operationMs, leastBytesPerSecond }: Patience, bytes: number): number =>
  Math.min(Math.ceil(operationMs + (bytes / leastBytesPerSecond) * 1000), MAX_TIMER_MS);

/** The time of one operation that moves up to `bytes` bytes. */
export const operationSignal = (patience: Patience, bytes: number): AbortSignal =>
  AbortSignal.timeout(timeFor(patience, bytes));

/**
 * Sends one request. The time-out of the client ends a silent start; this ends an answer of which only the start came, such as a refusal
 * that stops within its reason. A body that is still read when `send` has ended outlives it.
 */
const sendInTime = async <Answer>(
  { silenceMs, operationMs, leastBytesPerSecond }: Patience,
  bytes: number,
  operation: AbortSignal,
  send: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> => {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort();
  const ms = timeFor({ silenceMs, leastBytesPerSecond, operationMs: Math.min(2 * silenceMs, operationMs) }, bytes);
  const timer = setTimeout(abort, ms);
  operation.addEventListener('abort', abort);
  if (operation.aborted) abort(); // in the pause before this request
  try {
    return await send(attempt.signal);
  } finally {
    clearTimeout(timer);
    operation.removeEventListener('abort', abort);
  }
};

/**
 * Asks S3 up to `TRIES` times for an answer that carries no bytes of an object. An answer that stops after its headers is asked for again.
 * @param bytes the bytes that the request carries
 * @param tries counts the requests; its first one counts already
 */
export const patiently = async <Answer>(
  patience: Patience,
  bytes: number,
  send: (signal: AbortSignal) => Promise<Answer>,
  tries: Tries = { count: 1 },
): Promise<Answer> => {
  const operation = operationSignal(patience, bytes);
  for (; ; tries.count += 1) {
    try {
      return await sendInTime(patience, bytes, operation, send);
    } catch (error) {
      if (operation.aborted || tries.count >= TRIES || !isPassing(error)) throw error;
      await pause(tries.count + 1);
    }
  }
};

/** A body of the SDK, or one that comes in blocks: their bytes count before a block is full. */
type Body = Readable | BlockBody;

/**
 * The chunks of a body. Time counts only while the reader waits for one.
 * @throws `MODEL_UNAVAILABLE` when the body is silent
 */
export const watchBody = async function* (
  body: Body,
  { silenceMs, leastBytesPerSecond }: Patience,
  operation: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stepMs = silenceMs / SILENCE_STEPS;
  const leastBytes = (leastBytesPerSecond * stepMs) / 1000;
  let waiting = true;
  let bytes = 0;
  const receivedBytes = 'receivedBytes' in body ? body.receivedBytes : () => bytes;
  let countedBytes = receivedBytes();
  let silentSteps = 0;
  const timer = setInterval(() => {
    if (!waiting) return;
    silentSteps = receivedBytes() - countedBytes < leastBytes ? silentSteps + 1 : 0;
    countedBytes = receivedBytes();
    if (silentSteps === SILENCE_STEPS || operation.aborted) body.destroy(silent(silenceMs));
  }, stepMs);
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      waiting = false;
      yield chunk;
      waiting = true;
    }
  } finally {
    clearInterval(timer);
  }
};

/** A body that S3 has begun to send. */
export interface OpenedBody {
  readonly body: Body;
}

/**
 * Receives bytes up to position `end`. A body that stalls, breaks off or ends early is continued: the bytes that arrived are kept, and `open`
 * is asked for the rest. At most `TRIES` requests are sent in all.
 * @param open answers with the body from a position on, before the signal aborts
 * @param tries counts the requests; the first one counts already
 */
export const receive = async function* (
  patience: Patience,
  operation: AbortSignal,
  [start, end]: readonly [number, number],
  open: (position: number, signal: AbortSignal) => Promise<OpenedBody>,
  tries: Tries = { count: 1 },
): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; tries.count += 1) {
    try {
      const from = position;
      const { body } = await sendInTime(patience, 0, operation, (signal) => open(from, signal));
      for await (const chunk of watchBody(body, patience, operation)) {
        const wanted = chunk.subarray(0, end - position);
        position += wanted.byteLength;
        yield wanted;
        if (wanted.byteLength < chunk.byteLength) return; // S3 sends more than it was asked for
      }
      if (position < end) throw new Error(`the body ended ${end - position} bytes early`);
      return;
    } catch (error) {
      if (operation.aborted || tries.count >= TRIES || !isPassing(error)) throw error;
      await pause(tries.count + 1);
    }
  }
};
