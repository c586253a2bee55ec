import { createHmac, hash } from 'node:crypto';

/** Credentials, and the region that signs with them. */
export interface Signer {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request without a body and without a query. */
export interface PlainRequest {
  readonly method: 'GET' | 'HEAD';
  /** Percent-encoded. */
  readonly path: string;
  /** With lower-case names; `host` is one of them. */
  readonly headers: Readonly<Record<string, string>>;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const NO_BODY_SHA256 = hash('sha256', '');

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Percent-encodes all but the unreserved characters of RFC 3986, and the slashes between segments. */
export const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/');

/**
 * The headers of a request to S3, signed by version 4.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const signHeaders = (
  { method, path, headers }: PlainRequest,
  { region, accessKeyId, secretAccessKey, sessionToken }: Signer,
  now = new Date(),
): Record<string, string> => {
  const time = now.toISOString().replace(/[:-]|\.\d+/g, '');
  const signed: Record<string, string> = {
    ...headers,
    'x-amz-content-sha256': NO_BODY_SHA256,
    'x-amz-date': time,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const lines = names.map((name) => `${name}:${signed[name]?.trim().replace(/\s+/g, ' ')}`);
  const canonical = [method, path, '', ...lines, '', names.join(';'), NO_BODY_SHA256].join('\n');
  const scope = [time.slice(0, 8), region, 's3', 'aws4_request'];
  const text = [ALGORITHM, time, scope.join('/'), hash('sha256', canonical)].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  const credential = `Credential=${accessKeyId}/${scope.join('/')}`;
  const authorization = `${ALGORITHM} ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...signed, authorization };
};
