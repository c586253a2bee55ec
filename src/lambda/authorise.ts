import { createIdentifyByKey, type Identify } from '../access/identify.ts';
import { createIdentifyByToken } from '../access/identify-token.ts';
import { keyIdOf } from '../access/key.ts';
import { isObject } from '../core/is-object.ts';
import { createS3Client, createS3Store } from '../repository/stores/s3-store.ts';
import { identifyCaller } from './access.ts';
import { readIdentifyConfig } from './configuration.ts';

/**
 * Keys are read again after this time. API Gateway keeps an answer for another 20 s (`resultTtlInSeconds`), and a read of S3 takes seconds
 * at most, so that a revoked key ends within 60 s.
 */
export const KEYS_TTL_MS = 20_000;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export interface Authorisation {
  readonly isAuthorized: boolean;
  /** The caller, for `infer` to read. */
  readonly context?: Readonly<Record<string, string | number>>;
}

/** An authorizer of an HTTP API: it identifies the caller, and `infer` checks what the caller may do. */
export const authoriseHandler =
  (identify: Identify) =>
  async (event: unknown): Promise<Authorisation> => {
    const identity = await identifyCaller(identify, isObject(event) && isObject(event.headers) ? event.headers : {});
    if (identity === undefined) return { isAuthorized: false };
    const { holder, scopes, quota } = identity;
    const limits = Object.entries(quota ?? {}).filter(([, value]) => value !== undefined);
    return { isAuthorized: true, context: { holder, scopes: scopes.join(' '), ...Object.fromEntries(limits) } };
  };

const nobody: Identify = async () => undefined;

/** Identifies by the keys in the bucket of the models, by the tokens of an issuer, or by both, as `auth` says. */
export const connectIdentify = (): Identify => {
  const { keysBucket, tokens } = readIdentifyConfig();
  const byKey = keysBucket
    ? createIdentifyByKey(createS3Store(createS3Client(), keysBucket), { ttlMs: KEYS_TTL_MS })
    : nobody;
  const byToken = tokens ? createIdentifyByToken(tokens) : nobody;
  return (credential) => (keyIdOf(credential) === undefined ? byToken(credential) : byKey(credential));
};
