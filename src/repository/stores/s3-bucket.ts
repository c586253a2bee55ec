import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { WriteOptions } from './object-store.ts';
import { type Patience, patiently } from './s3-patience.ts';
import { headerOf } from './s3-read.ts';
import { toServingError } from './s3-reader.ts';

/** A bucket, the client that reaches it, and the time that it is given. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
  readonly patience: Patience;
}

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
