import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { ServingError } from '../../src/core/errors.ts';

/** A POST to the HTTP API. */
export interface Post {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Sends to `path`, which starts with `/` and may have a query. @throws `MODEL_UNAVAILABLE` when nobody answers */
export type Send = (path: string, post: Post) => Promise<Response>;

const post = async (url: URL, init: Post): Promise<Response> => {
  try {
    return await fetch(url, init as RequestInit);
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    const reason = cause?.message || cause?.code || message;
    throw new ServingError('MODEL_UNAVAILABLE', `${url.origin} does not answer: ${reason}`, { cause: error });
  }
};

export const sendPlain =
  (endpoint: string): Send =>
  (path, init) =>
    post(new URL(path, endpoint), init);

/** SHA-256, and HMAC with a secret, as the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

/** Signs with the caller's AWS credentials, as an endpoint with `auth: aws_iam` demands and any other accepts. */
export const sendSigned = (endpoint: string, region: string): Send => {
  const signer = new SignatureV4({ service: 'execute-api', region, credentials: defaultProvider(), sha256: Sha256 });
  return async (path, init) => {
    const url = new URL(path, endpoint);
    const signed = await signer.sign({
      method: init.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...init.headers, host: url.host },
      body: init.body,
    });
    const { host: _sentAnyway, ...headers } = signed.headers;
    return post(url, { ...init, headers });
  };
};
