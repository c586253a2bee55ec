import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LOCAL_CREDENTIALS } from '../../src/core/aws-defaults.ts';
import { AwsError } from './aws-error.ts';

/** Query parameters of presigned URLs, of both versions of signatures. botocore repeats two headers in those of version 2. */
export const SIGNATURE_PARAMETERS = ['AWSAccessKeyId', 'Signature', 'Expires', 'content-type', 'content-md5'];

/** True for a URL that was signed with the local credentials, whose signature is checked. */
export const isSignedHere = ({ url = '' }: IncomingMessage): boolean => {
  const credential = new URLSearchParams(url.split('?')[1]).get('X-Amz-Credential') ?? '';
  return credential.startsWith(`${LOCAL_CREDENTIALS.accessKeyId}/`);
};

/** Seven days, the longest that S3 allows. */
const LONGEST_SECONDS = 604_800;

const expired = (): AwsError => new AwsError('AccessDenied', 403, 'Request has expired');

/** The time in `20261126T061500Z`, milliseconds since 1970. */
const parseTime = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** @throws AwsError `AccessDenied` for a URL whose time is over; `AuthorizationQueryParametersError` for one without a time */
export const assertNotExpired = (query: URLSearchParams, nowMs: number): void => {
  const untilSeconds = query.get('Expires');
  if (untilSeconds !== null && !(Number(untilSeconds) * 1000 > nowMs)) throw expired();
  const seconds = query.get('X-Amz-Expires');
  if (seconds === null) return;
  const lifetime = Number(seconds);
  const signedMs = parseTime(query.get('X-Amz-Date') ?? '');
  if (!(lifetime >= 1 && lifetime <= LONGEST_SECONDS) || Number.isNaN(signedMs))
    throw new AwsError(
      'AuthorizationQueryParametersError',
      400,
      `X-Amz-Expires is ${seconds}, expected 1 to ${LONGEST_SECONDS} seconds after X-Amz-Date`,
    );
  if (signedMs + lifetime * 1000 <= nowMs) throw expired();
};

/** Percent-encodes all but the unreserved characters of RFC 3986. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The text whose hash a signature holds. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
const canonicalRequest = ({ method, url = '', headers }: IncomingMessage, query: URLSearchParams): string => {
  const names = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  const parameters = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const signed = names.map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}`,
  );
  const path = url.replace(/\?.*/s, '');
  return [method, path, parameters.sort().join('&'), ...signed, '', names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
};

/**
 * Checks a URL of version 4 that was signed with the local credentials, so that it holds for the headers that were signed alone. Other
 * credentials are not known here.
 * @throws AwsError `SignatureDoesNotMatch`
 */
export const assertSignature = (request: IncomingMessage, query: URLSearchParams): void => {
  const [accessKeyId, ...scope] = (query.get('X-Amz-Credential') ?? '').split('/');
  if (accessKeyId !== LOCAL_CREDENTIALS.accessKeyId) return;
  const text = [
    'AWS4-HMAC-SHA256',
    query.get('X-Amz-Date'),
    scope.join('/'),
    createHash('sha256').update(canonicalRequest(request, query)).digest('hex'),
  ].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${LOCAL_CREDENTIALS.secretAccessKey}`);
  if (hmac(key, text).toString('hex') !== query.get('X-Amz-Signature'))
    throw new AwsError(
      'SignatureDoesNotMatch',
      403,
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
};
