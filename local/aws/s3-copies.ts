import { AwsError } from './aws-error.ts';
import type { S3Objects } from './s3-objects.ts';
import { type Call, noSuchKey, preconditionFailed } from './s3-operation.ts';
import type { S3Object } from './s3-rows.ts';
import { isSameEtag } from './s3-writes.ts';

/** The object that `x-amz-copy-source` names, with the bytes to copy, both ends included. */
export interface CopySource {
  readonly object: S3Object;
  readonly range: { readonly start: number; readonly end: number };
}

/** An etag counts more than a time, which has whole seconds. @throws AwsError `PreconditionFailed` */
const assertConditions = ({ headers }: Call, { etag, modifiedMs }: S3Object): void => {
  const { 'x-amz-copy-source-if-match': match, 'x-amz-copy-source-if-none-match': noneMatch } = headers;
  const modifiedSeconds = Math.floor(modifiedMs / 1000);
  const secondsOf = (name: string): number => Date.parse(String(headers[`x-amz-copy-source-if-${name}`] ?? '')) / 1000;
  if (match === undefined && modifiedSeconds > secondsOf('unmodified-since'))
    throw preconditionFailed('x-amz-copy-source-If-Unmodified-Since');
  if (noneMatch === undefined && modifiedSeconds <= secondsOf('modified-since'))
    throw preconditionFailed('x-amz-copy-source-If-Modified-Since');
  if (match !== undefined && !isSameEtag(String(match), etag)) throw preconditionFailed('x-amz-copy-source-If-Match');
  if (noneMatch !== undefined && isSameEtag(String(noneMatch), etag))
    throw preconditionFailed('x-amz-copy-source-If-None-Match');
};

const decode = (source: string): string => {
  try {
    return decodeURIComponent(source);
  } catch {
    throw new AwsError('InvalidArgument', 400, `The copy source ${source} cannot be decoded.`);
  }
};

/** Undefined for a request that copies nothing. @throws AwsError when the source is missing, or the range lies outside of it */
export const copySourceOf = (call: Call, objects: S3Objects): CopySource | undefined => {
  const { headers } = call;
  const { 'x-amz-copy-source': source, 'x-amz-copy-source-range': given } = headers;
  if (typeof source !== 'string') return undefined;
  const [, bucket = '', key = ''] = /^\/?([^/]+)\/(.+?)(?:\?versionId=null)?$/s.exec(decode(source)) ?? [];
  if (key === '') throw new AwsError('InvalidArgument', 400, `The copy source ${source} is no bucket and key.`);
  const object = objects.find(bucket, key);
  if (!object) throw noSuchKey(key);
  assertConditions(call, object);
  const whole = `bytes=0-${object.sizeBytes - 1}`;
  const [, start, end] = /^bytes=(\d+)-(-?\d+)$/.exec(String(given ?? whole)) ?? [];
  if (end === undefined)
    throw new AwsError('InvalidArgument', 400, `The range ${given} has another form than bytes=<first>-<last>.`);
  const range = { start: Number(start), end: Number(end) };
  if (given !== undefined && (range.start > range.end || range.end >= object.sizeBytes))
    throw new AwsError('InvalidRange', 416, `The range ${given} lies outside of the ${object.sizeBytes} bytes.`);
  return { object, range };
};

/** The bytes of a source; an empty object has none. */
export async function* copiedBytes({ object, range }: CopySource, objects: S3Objects): AsyncIterable<Uint8Array> {
  if (range.end >= range.start) yield* objects.read(object, range);
}
