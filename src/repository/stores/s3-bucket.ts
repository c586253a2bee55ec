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
import { type Patience, patiently } from './s3-patience.ts';

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

/** A bucket, the client that reaches it, and the time that it is given. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
  readonly patience: Patience;
}

export const headObject = async ({ client, name, patience }: Bucket, key: string): Promise<ObjectHead> => {
  const command = new HeadObjectCommand({ Bucket: name, Key: key });
  const {
    ContentLength = 0,
    ETag = '',
    Metadata = {},
  } = await patiently(patience, 0, (abortSignal) => client.send(command, { abortSignal }));
  return { key, sizeBytes: ContentLength, etag: ETag, metadata: Metadata };
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
  const { ETag = '' } = await patiently(patience, sizeBytes, (abortSignal) => client.send(command, { abortSignal }));
  return ETag;
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
    const page = await patiently(patience, 0, (abortSignal) => client.send(command, { abortSignal })).catch(
      (error: unknown) => {
        throw toServingError(error, `s3://${name}`, prefix);
      },
    );
    yield page;
    token = page.NextContinuationToken;
  } while (token !== undefined);
};

export const removeObject = async ({ client, name, patience }: Bucket, key: string): Promise<void> => {
  const command = new DeleteObjectCommand({ Bucket: name, Key: key });
  await patiently(patience, 0, (abortSignal) => client.send(command, { abortSignal }));
};
