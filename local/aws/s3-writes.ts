import type { WriteGuard } from './s3-objects.ts';
import { type Call, noSuchKey, notImplemented, preconditionFailed } from './s3-operation.ts';
import type { S3Object, Target } from './s3-rows.ts';

/** The end of the event's name in a notification. */
export type CreatedBy = 'Put' | 'Copy' | 'CompleteMultipartUpload';

/** Called after an object was written, before the client hears of it. */
export type OnObjectCreated = (object: S3Object, how: CreatedBy) => void;

const KEPT_HEADERS = /^(content-(type|disposition|language)|cache-control|expires|x-amz-meta-.+)$/;

export const isSameEtag = (given: string, etag: string): boolean =>
  given.replaceAll('"', '') === etag.replaceAll('"', '');

/** Makes the check of S3 before it replaces an object. @throws AwsError `NotImplemented`, as S3 does, for `If-None-Match` with an etag. */
export const writeGuard = ({ headers, key }: Call): WriteGuard => {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match with anything but *');
  return (current) => {
    if (ifNoneMatch && current) throw preconditionFailed('If-None-Match');
    if (ifMatch && !current) throw noSuchKey(key);
    if (ifMatch && current && !isSameEtag(ifMatch, current.etag)) throw preconditionFailed('If-Match');
  };
};

/** The object that a request writes. */
export const targetOf = ({ bucket, key, headers }: Call): Target => {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && KEPT_HEADERS.test(name) ? [[name, value] as const] : [],
  );
  const encoding = headers['content-encoding']
    ?.split(',')
    .filter((name) => name.trim() !== 'aws-chunked')
    .join(',');
  return {
    bucket,
    key,
    headers: {
      'content-type': 'binary/octet-stream',
      ...Object.fromEntries(kept),
      ...(encoding && { 'content-encoding': encoding }),
    },
  };
};
