import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import { missingObject, type ObjectHead, replacedObject, type WriteOptions } from './object-store.ts';
import { type Patience, patiently, statusOf } from './s3-patience.ts';

const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
/** S3 answers 412 and, to two conditional writes at the same moment, 409. */
const CONFLICT = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

const describe = (error: unknown, name: string): string => {
  const status = statusOf(error);
  const [reason = ''] = messageOf(error).split('\n', 1);
  if (status === 0) return `${name}: ${reason}`;
  if (!(error instanceof S3ServiceException))
    return `the answer with the status ${status} is not of S3, but perhaps of a proxy: ${reason}`;
  return name === 'Unknown' ? `S3 answered with the status ${status} alone` : `${name} (${status}): ${reason}`;
};

/** Translates an error of S3 about the object `key` of the store at `location`. */
export const toServingError = (error: unknown, location: string, key: string): ServingError => {
  if (error instanceof ServingError) return error;
  const name = error instanceof Error ? error.name : String(error);
  if (NOT_FOUND.has(name)) return missingObject(location, key, error);
  if (CONFLICT.has(name)) return replacedObject(location, key, error);
  return new ServingError('MODEL_UNAVAILABLE', `${location}/${key}: ${describe(error, name)}`, { cause: error });
};

/** Tells whether S3 answered that the object still has the etag of the condition. */
export const isUnchanged = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 304;

/**
 * A header of an answer about the object `key`, which a proxy may drop. Without the etag, a conditional write would have no condition; without
 * the length, an object would be empty. @throws `MODEL_UNAVAILABLE` when it is missing
 */
export const headerOf = <Value>(key: string, name: string, value: Value | '' | undefined): Value => {
  if (value !== undefined && value !== '') return value;
  throw new ServingError('MODEL_UNAVAILABLE', `S3 answered without the ${name} of ${key}`);
};

/** A bucket, the client that reaches it, and the time that it is given. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
  readonly patience: Patience;
}

export const headObject = async ({ client, name, patience }: Bucket, key: string): Promise<ObjectHead> => {
  const command = new HeadObjectCommand({ Bucket: name, Key: key });
  const answer = await patiently(patience, 0, (abortSignal) => client.send(command, { abortSignal }));
  const { ContentLength, ETag, Metadata = {}, ContentEncoding } = answer;
  return {
    key,
    sizeBytes: headerOf(key, 'length', ContentLength),
    etag: headerOf(key, 'etag', ETag),
    metadata: Metadata,
    contentEncoding: ContentEncoding,
  };
};

export const writeObject = async (
  { client, name, patience }: Bucket,
  key: string,
  body: Uint8Array | string,
  { condition, contentType, metadata }: WriteOptions = {},
): Promise<string> => {
  const sizeBytes = Buffer.byteLength(body);
  const command = new PutObjectCommand({
    Bucket: name,
    Key: key,
    Body: body,
    ContentLength: sizeBytes,
    ...(contentType && { ContentType: contentType }),
    ...(metadata && { Metadata: { ...metadata } }),
    ...(condition && ('ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: '*' })),
  });
  const { ETag } = await patiently(patience, sizeBytes, (abortSignal) => client.send(command, { abortSignal }));
  return headerOf(key, 'etag', ETag);
};

/** An answer that is no page of a list would look like an empty folder. @throws Error for one, and for a page without the way to the next */
const assertPage = ({ IsTruncated, NextContinuationToken }: ListObjectsV2CommandOutput, token?: string): void => {
  if (IsTruncated === undefined) throw new Error('S3 answered without a list');
  if (IsTruncated && (!NextContinuationToken || NextContinuationToken === token))
    throw new Error('S3 answered with a page of a list that does not lead to the next');
};

/** The pages of a listing; with a delimiter, keys are grouped up to it. @throws `MODEL_UNAVAILABLE` */
export const listPages = async function* (
  { client, name, patience }: Bucket,
  prefix: string,
  { delimiter, after }: { readonly delimiter?: string; readonly after?: string | undefined } = {},
): AsyncIterable<ListObjectsV2CommandOutput> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({
      Bucket: name,
      Prefix: prefix,
      ...(delimiter && { Delimiter: delimiter }),
      ...(token ? { ContinuationToken: token } : after && { StartAfter: after }),
    });
    const ask = async (abortSignal: AbortSignal): Promise<ListObjectsV2CommandOutput> => {
      const answer = await client.send(command, { abortSignal });
      assertPage(answer, token);
      return answer;
    };
    const page = await patiently(patience, 0, ask).catch((error: unknown) => {
      throw toServingError(error, `s3://${name}`, prefix);
    });
    yield page;
    token = page.NextContinuationToken;
  } while (token !== undefined);
};

export const removeObject = async ({ client, name, patience }: Bucket, key: string): Promise<void> => {
  const command = new DeleteObjectCommand({ Bucket: name, Key: key });
  await patiently(patience, 0, (abortSignal) => client.send(command, { abortSignal }));
};
