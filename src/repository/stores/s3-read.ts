import { hash } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { assertSize, type ObjectHead, type StoredObject } from './object-store.ts';
import {
  type OpenedBody,
  operationSignal,
  type Patience,
  patiently,
  receive,
  statusOf,
  TRIES,
  type Tries,
} from './s3-patience.ts';
import type { GetAnswer, GetRequest, Requests } from './s3-requests.ts';

/** A bucket as it is read, and the time that it is given. */
export interface ReadBucket {
  readonly requests: Requests;
  readonly patience: Patience;
}

/** The status of an object that still has the etag of the condition. */
const UNCHANGED = 304;

/**
 * A header of an answer about the object `key`, which a proxy may drop. Without the etag, a conditional write would have no condition; without
 * the length, an object would be empty. @throws `MODEL_UNAVAILABLE` when it is missing
 */
export const headerOf = <Value>(key: string, name: string, value: Value | '' | undefined): Value => {
  if (value !== undefined && value !== '') return value;
  throw new ServingError('MODEL_UNAVAILABLE', `S3 answered without the ${name} of ${key}`);
};

/**
 * Tells whether an answer has what was asked for. It has the bytes from `start` on, and as many as it says; or the whole object, which S3 may
 * call a range, too.
 */
const isAsked = ({ contentRange, sizeBytes }: GetAnswer, start: number | undefined): boolean => {
  if (contentRange === undefined) return start === undefined;
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(contentRange) ?? [];
  const bytes = Number(last) - Number(first) + 1;
  if (sizeBytes !== undefined && sizeBytes !== bytes) return false;
  return start === undefined ? bytes === Number(total) : Number(first) === start;
};

/** Sends the request. @throws Error when the answer has other bytes */
export const openObject = async (
  { requests }: ReadBucket,
  request: GetRequest,
  signal: AbortSignal,
): Promise<GetAnswer> => {
  const answer = await requests.get(request, signal);
  const { body, contentRange } = answer;
  const [start] = request.range ?? [];
  if (isAsked(answer, start)) return answer;
  body.destroy();
  const asked = start === undefined ? 'the whole object' : `bytes from ${start} on`;
  throw new Error(`S3 answered with ${contentRange ?? 'the whole object'}, asked for ${asked}`);
};

/** The md5 of an object is its etag when it was written at once and is not encrypted by a key of its own. */
const isDamaged = (body: Uint8Array, { etag = '', hasOwnKey }: GetAnswer): boolean => {
  const [, md5] = /^"([0-9a-f]{32})"$/.exec(etag) ?? [];
  return md5 !== undefined && !hasOwnKey && hash('md5', body) !== md5;
};

/** The status of a condition that does not hold: the object was replaced while it was read. */
const REPLACED = 412;

const readOnce = async (
  bucket: ReadBucket,
  request: GetRequest,
  maxBytes: number,
  tries: Tries,
): Promise<{ readonly object: StoredObject; readonly damaged: boolean }> => {
  const { patience } = bucket;
  const { key } = request;
  const opened = await patiently(patience, 0, (signal) => openObject(bucket, request, signal), tries);
  const { contentType, contentEncoding } = opened;
  if (!opened.etag || opened.sizeBytes === undefined) opened.body.destroy();
  const etag = headerOf(key, 'etag', opened.etag);
  const sizeBytes = headerOf(key, 'length', opened.sizeBytes);
  if (sizeBytes === 0) opened.body.resume();
  if (sizeBytes > maxBytes) opened.body.destroy();
  assertSize(key, sizeBytes, maxBytes);
  const operation = operationSignal(patience, sizeBytes);
  let next: GetAnswer | undefined = opened;
  const open = async (position: number, signal: AbortSignal): Promise<OpenedBody> => {
    const rest = next ?? (await openObject(bucket, { key, range: [position], ifMatch: etag }, signal));
    next = undefined;
    return rest;
  };
  const chunks = receive(patience, operation, [0, sizeBytes], open, tries);
  const body = new Uint8Array(sizeBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    body.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return {
    object: { key, body, sizeBytes, etag, contentType, contentEncoding },
    damaged: filled !== sizeBytes || isDamaged(body, opened),
  };
};

/**
 * Reads an object, again if it was replaced meanwhile, or if its bytes differ from its etag.
 * @throws `PAYLOAD_TOO_LARGE`, before the body is read
 */
export const readObject = async (
  bucket: ReadBucket,
  request: GetRequest,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<StoredObject> => {
  for (const tries: Tries = { count: 1 }; tries.count <= TRIES; tries.count += 1) {
    try {
      const { object, damaged } = await readOnce(bucket, request, maxBytes, tries);
      if (!damaged) return object;
    } catch (error) {
      if (statusOf(error) !== REPLACED || tries.count >= TRIES) throw error;
    }
  }
  throw new ServingError(
    'MODEL_UNAVAILABLE',
    `${request.key} arrives damaged: its md5 is not its etag, after ${TRIES} requests`,
  );
};

/** Reads an object that no longer has the etag; undefined while it has. */
export const readChanged = async (
  bucket: ReadBucket,
  key: string,
  ifNoneMatch: string,
  maxBytes?: number,
): Promise<StoredObject | undefined> => {
  try {
    return await readObject(bucket, { key, ifNoneMatch }, maxBytes);
  } catch (error) {
    if (statusOf(error) === UNCHANGED) return undefined;
    throw error;
  }
};

export const headObject = async ({ requests, patience }: ReadBucket, key: string): Promise<ObjectHead> => {
  const answer = await patiently(patience, 0, (signal) => requests.head(key, signal));
  const { sizeBytes, etag, metadata, contentEncoding } = answer;
  return {
    key,
    sizeBytes: headerOf(key, 'length', sizeBytes),
    etag: headerOf(key, 'etag', etag),
    metadata,
    contentEncoding,
  };
};

/** The bytes of an object from `start` up to, not including, `end`, as they arrive. All are of the same object. */
export const readRange = async function* (
  bucket: ReadBucket,
  key: string,
  start: number,
  end: number,
  etag: string | undefined,
): AsyncGenerator<Uint8Array> {
  const { patience } = bucket;
  const operation = operationSignal(patience, end - start);
  let ifMatch = etag;
  yield* receive(patience, operation, [start, end], async (position, signal) => {
    const opened = await openObject(bucket, { key, range: [position, end], ifMatch }, signal);
    ifMatch ??= opened.etag;
    return opened;
  });
};
