import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { type Send, sendOver } from './send.ts';

type Secret = string | ArrayBuffer | ArrayBufferView;

const toKey = (secret: Secret): string | Uint8Array => {
  if (typeof secret === 'string') return secret;
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret);
};

/** SHA-256, and HMAC with a secret, as the signer calls them. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: Secret) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toKey(secret));
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
    return sendOver(url, { ...init, headers });
  };
};
