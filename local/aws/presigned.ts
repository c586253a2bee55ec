import { AwsError } from './aws-error.ts';

/** Query parameters of presigned URLs, of both versions of signatures. Signatures are not checked, times are. */
export const SIGNATURE_PARAMETERS = ['AWSAccessKeyId', 'Signature', 'Expires'];

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
