import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ServingError } from '../../core/errors.ts';
import { assertSize, type StoredObject } from './object-store.ts';
import { type Bucket, headerOf } from './s3-bucket.ts';
import { type OpenedBody, operationSignal, patiently, receive, statusOf, TRIES, type Tries } from './s3-patience.ts';

/** Conditions of a read, as S3 spells them. */
interface ReadCondition {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string | undefined;
}

interface OpenedObject extends OpenedBody {
  readonly body: Readable;
  readonly answer: GetObjectCommandOutput;
}

/** The request for the bytes of an object from `start` up to, not including, `end`; for the whole object without them. */
export const toCommand = (
  { name }: Bucket,
  key: string,
  [start, end]: readonly [number?, number?],
  { IfNoneMatch, IfMatch }: ReadCondition,
): GetObjectCommand =>
  new GetObjectCommand({
    ...{ Bucket: name, Key: key },
    ...(start !== undefined && { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` }),
    ...(IfNoneMatch !== undefined && { IfNoneMatch }),
    ...(IfMatch !== undefined && { IfMatch }),
  });

/**
 * Tells whether an answer has what was asked for. It has the bytes from `start` on, and as many as it says; or the whole object, which S3 may
 * call a range, too.
 */
const isAsked = ({ ContentRange, ContentLength }: GetObjectCommandOutput, start: number | undefined): boolean => {
  if (ContentRange === undefined) return start === undefined;
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(ContentRange) ?? [];
  const bytes = Number(last) - Number(first) + 1;
  if (ContentLength !== undefined && ContentLength !== bytes) return false;
  return start === undefined ? bytes === Number(total) : Number(first) === start;
};

/** Sends the request of `toCommand`. */
export const openObject = async (
  bucket: Bucket,
  key: string,
  range: readonly [number?, number?],
  condition: ReadCondition,
  abortSignal: AbortSignal,
): Promise<OpenedObject> => {
  const [start] = range;
  const answer = await bucket.client.send(toCommand(bucket, key, range, condition), { abortSignal });
  const { Body: body, ContentRange } = answer;
  if (!(body instanceof Readable)) throw new Error('S3 answered without a body');
  if (isAsked(answer, start)) return { body, answer };
  body.destroy();
  const asked = start === undefined ? 'the whole object' : `bytes from ${start} on`;
  throw new Error(`S3 answered with ${ContentRange ?? 'the whole object'}, asked for ${asked}`);
};

/** The md5 of an object is its etag when it was written at once and is not encrypted by a key of its own. */
const isDamaged = (
  body: Uint8Array,
  { ETag = '', ServerSideEncryption, SSECustomerAlgorithm }: GetObjectCommandOutput,
) => {
  const [, md5] = /^"([0-9a-f]{32})"$/.exec(ETag) ?? [];
  if (md5 === undefined || SSECustomerAlgorithm !== undefined) return false;
  return (ServerSideEncryption ?? 'AES256') === 'AES256' && hash('md5', body) !== md5;
};

/** The status of a condition that does not hold: the object was replaced while it was read. */
const REPLACED = 412;

const readOnce = async (
  bucket: Bucket,
  key: string,
  maxBytes: number,
  condition: ReadCondition,
  tries: Tries,
): Promise<{ readonly object: StoredObject; readonly damaged: boolean }> => {
  const { patience } = bucket;
  const opened = await patiently(patience, 0, (signal) => openObject(bucket, key, [], condition, signal), tries);
  const { answer } = opened;
  if (!answer.ETag || answer.ContentLength === undefined) opened.body.destroy();
  const ETag = headerOf(key, 'etag', answer.ETag);
  const ContentLength = headerOf(key, 'length', answer.ContentLength);
  if (ContentLength === 0) opened.body.resume();
  if (ContentLength > maxBytes) opened.body.destroy();
  assertSize(key, ContentLength, maxBytes);
  const operation = operationSignal(patience, ContentLength);
  let next: OpenedObject | undefined = opened;
  const open = async (position: number): Promise<OpenedBody> => {
    const rest = next ?? (await openObject(bucket, key, [position], { IfMatch: ETag }, operation));
    next = undefined;
    return rest;
  };
  const chunks = receive(patience, operation, [0, ContentLength], open, tries);
  const body = new Uint8Array(ContentLength);
  let filled = 0;
  for await (const chunk of chunks) {
    body.set(chunk, filled);
    filled += chunk.byteLength;
  }
  const { ContentType: contentType, ContentEncoding: contentEncoding } = answer;
  const object = { key, body, sizeBytes: body.byteLength, etag: ETag, contentType, contentEncoding };
  return { object, damaged: filled !== ContentLength || isDamaged(body, answer) };
};

/**
 * Reads an object, again if it was replaced meanwhile, or if its bytes differ from its etag.
 * @throws `PAYLOAD_TOO_LARGE`, before the body is read
 */
export const readObject = async (
  bucket: Bucket,
  key: string,
  maxBytes = Number.POSITIVE_INFINITY,
  condition: { readonly IfNoneMatch?: string } = {},
): Promise<StoredObject> => {
  for (const tries: Tries = { count: 1 }; tries.count <= TRIES; tries.count += 1) {
    try {
      const { object, damaged } = await readOnce(bucket, key, maxBytes, condition, tries);
      if (!damaged) return object;
    } catch (error) {
      if (statusOf(error) !== REPLACED || tries.count >= TRIES) throw error;
    }
  }
  throw new ServingError(
    'MODEL_UNAVAILABLE',
    `${key} arrives damaged: its md5 is not its etag, after ${TRIES} requests`,
  );
};

/** The bytes of an object from `start` up to, not including, `end`, as they arrive. All are of the same object. */
export const readRange = async function* (
  bucket: Bucket,
  key: string,
  start: number,
  end: number,
  etag: string | undefined,
): AsyncGenerator<Uint8Array> {
  const { patience } = bucket;
  const operation = operationSignal(patience, end - start);
  let IfMatch = etag;
  yield* receive(patience, operation, [start, end], async (position) => {
    const opened = await openObject(bucket, key, [position, end], { IfMatch }, operation);
    IfMatch ??= opened.answer.ETag;
    return opened;
  });
};
