import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import {
  assertSize,
  missingObject,
  type ObjectHead,
  replacedObject,
  type StoredObject,
  type WriteOptions,
} from './object-store.ts';

const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
/** S3 answers 412 and, to two conditional writes at the same moment, 409. */
const CONFLICT = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

/** Translates an error of S3 about the object `key` of the store at `location`. */
export const toServingError = (error: unknown, location: string, key: string): ServingError => {
  if (error instanceof ServingError) return error;
  const name = error instanceof Error ? error.name : String(error);
  if (NOT_FOUND.has(name)) return missingObject(location, key, error);
  if (CONFLICT.has(name)) return replacedObject(location, key, error);
  const status = error instanceof S3ServiceException ? ` (${error.$metadata.httpStatusCode})` : '';
  const reason = messageOf(error);
  return new ServingError('MODEL_UNAVAILABLE', `${location}/${key}: ${name}${status}: ${reason}`, { cause: error });
};

/** Tells whether S3 answered that the object still has the etag of the condition. */
export const isUnchanged = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304;

/** A bucket, and the client that reaches it. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
}

export const headObject = async ({ client, name }: Bucket, key: string): Promise<ObjectHead> => {
  const command = new HeadObjectCommand({ Bucket: name, Key: key });
  const { ContentLength = 0, ETag = '', Metadata = {} } = await client.send(command);
  return { key, sizeBytes: ContentLength, etag: ETag, metadata: Metadata };
};

export const readObject = async (
  { client, name }: Bucket,
  key: string,
  maxBytes = Number.POSITIVE_INFINITY,
  condition: { readonly IfNoneMatch?: string } = {},
): Promise<StoredObject> => {
  const command = new GetObjectCommand({ Bucket: name, Key: key, ...condition });
  const { Body, ContentLength = 0, ContentType, ETag = '' } = await client.send(command);
  if (ContentLength > maxBytes && Body instanceof Readable) Body.destroy();
  assertSize(key, ContentLength, maxBytes);
  const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
  return { key, body, sizeBytes: body.byteLength, etag: ETag, contentType: ContentType };
};

/** The bytes of an object from `start` up to, not including, `end`, as they arrive. */
export const openRange = async (
  { client, name }: Bucket,
  key: string,
  start: number,
  end: number,
  etag: string | undefined,
): Promise<AsyncIterable<Uint8Array>> => {
  const condition = etag === undefined ? {} : { IfMatch: etag };
  const range = `bytes=${start}-${end - 1}`;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key, Range: range, ...condition }));
  if (Body instanceof Readable) return Body;
  throw new Error('S3 answered without a body');
};

export const writeObject = async (
  { client, name }: Bucket,
  key: string,
  body: Uint8Array | string,
  { condition, contentType, metadata }: WriteOptions = {},
): Promise<string> => {
  const command = new PutObjectCommand({
    Bucket: name,
    Key: key,
    Body: body,
    ContentLength: Buffer.byteLength(body),
    ...(contentType && { ContentType: contentType }),
    ...(metadata && { Metadata: { ...metadata } }),
    ...(condition && ('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: '*' })),
  });
  const { ETag = '' } = await client.send(command);
  return ETag;
};

/** The pages of a listing; with a delimiter, keys are grouped up to it. @throws `MODEL_UNAVAILABLE` */
export const listPages = async function* (
  { client, name }: Bucket,
  prefix: string,
  delimiter?: string,
): AsyncIterable<ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: name,
      Prefix: prefix,
      ...(delimiter && { Delimiter: delimiter }),
      ...(token && { ContinuationToken: token }),
    });
    const page = await client.send(command).catch((error: unknown) => {
      throw toServingError(error, `s3://${name}`, prefix);
    });
    yield page;
    token = page.NextContinuationToken;
  } while (token !== undefined);
};

export const removeObject = async ({ client, name }: Bucket, key: string): Promise<void> => {
  await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }));
};
