import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ServingError } from '../../core/errors.ts';
import { assertSize, type StoredObject } from './object-store.ts';
import type { Bucket } from './s3-bucket.ts';
import { type OpenedBody, operationSignal, patiently, receive, TRIES } from './s3-patience.ts';

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
  const isAsked = ContentRange === undefined ? !start : ContentRange.startsWith(`bytes ${start}-`);
  if (isAsked) return { body, answer };
  body.destroy();
  throw new Error(`S3 answered with ${ContentRange ?? 'the whole object'}, asked for bytes from ${start} on`);
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

const readOnce = async (
  bucket: Bucket,
  key: string,
  maxBytes: number,
  condition: ReadCondition,
): Promise<{ readonly object: StoredObject; readonly damaged: boolean }> => {
  const { patience } = bucket;
  const opened = await patiently(patience, 0, (signal) => openObject(bucket, key, [], condition, signal));
  const { ContentLength = 0, ContentType, ETag = '' } = opened.answer;
  if (ContentLength === 0) opened.body.resume();
  if (ContentLength > maxBytes) opened.body.destroy();
  assertSize(key, ContentLength, maxBytes);
  const operation = operationSignal(patience, ContentLength);
  let next: OpenedObject | undefined = opened;
  const chunks = receive(patience, operation, [0, ContentLength], async (position) => {
    const rest = next ?? (await openObject(bucket, key, [position], { IfMatch: ETag }, operation));
    next = undefined;
    return rest;
  });
  const body = new Uint8Array(ContentLength);
  let filled = 0;
  for await (const chunk of chunks) {
    body.set(chunk.subarray(0, ContentLength - filled), filled);
    filled += chunk.byteLength;
  }
  const object = { key, body, sizeBytes: body.byteLength, etag: ETag, contentType: ContentType };
  return { object, damaged: filled !== ContentLength || isDamaged(body, opened.answer) };
};

/** Reads an object. Bytes that differ from the etag are read again. @throws `PAYLOAD_TOO_LARGE`, before the body is read */
export const readObject = async (
  bucket: Bucket,
  key: string,
  maxBytes = Number.POSITIVE_INFINITY,
  condition: { readonly IfNoneMatch?: string } = {},
): Promise<StoredObject> => {
  for (let number = 1; number <= TRIES; number += 1) {
    const { object, damaged } = await readOnce(bucket, key, maxBytes, condition);
    if (!damaged) return object;
  }
  throw new ServingError('MODEL_UNAVAILABLE', `${key} arrived damaged ${TRIES} times: its md5 is not its etag`);
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
