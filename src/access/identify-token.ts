import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { messageOf } from '../core/message-of.ts';
import { once } from '../core/once.ts';
import type { Identify } from './identify.ts';
import { scopesOfClaims, tokenHolder } from './scope.ts';

/** The party that makes tokens, and the name of this service among those that it makes them for. */
export interface TokenIssuer {
  /** The URL below which `/.well-known/openid-configuration` is, as the claim `iss` has it. */
  readonly issuer: string;
  readonly audience: string;
  /** The name of this service before its scopes; empty for none. */
  readonly scopePrefix: string;
}

/** Signatures by a private key alone: with a shared secret, a public key could be taken for it. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const TIMEOUT_MS = 3_000;
/** Keys that the issuer no longer has end after this time. */
const KEYS_MAX_AGE_MS = 600_000;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Failures that say nothing of the token. */
const UNAVAILABLE: readonly string[] = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

const unavailable = (issuer: string, cause: unknown): ServingError =>
  new ServingError('MODEL_UNAVAILABLE', 'the keys of the issuer of tokens cannot be read', {
    operator: `${issuer}: ${messageOf(cause)}`,
    cause,
  });

/** Keys that come over plain http could be anybody's; on this machine they are not. */
const toSafeUrl = (text: string): URL => {
  const url = new URL(text);
  if (url.protocol === 'https:' || ['127.0.0.1', 'localhost'].includes(url.hostname)) return url;
  throw new Error(`${text} is not read: its protocol is ${url.protocol}, expected https:`);
};

/** https://openid.net/specs/openid-connect-discovery-1_0.html */
const discoverKeys = async (issuer: string): Promise<ReturnType<typeof createRemoteJWKSet>> => {
  const url = toSafeUrl(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const document: unknown = response.ok ? await response.json() : undefined;
  if (!isObject(document) || typeof document.jwks_uri !== 'string')
    throw new Error(`${url.href} answers ${response.status}, without "jwks_uri"`);
  const options = { timeoutDuration: TIMEOUT_MS, cacheMaxAge: KEYS_MAX_AGE_MS };
  return createRemoteJWKSet(toSafeUrl(document.jwks_uri), options);
};

/** API Gateway compares `client_id` where a token has no audience, as those of Cognito have none. */
const isFor = ({ aud, client_id: client }: JWTPayload, audience: string): boolean =>
  aud === undefined ? client === audience : [aud].flat().includes(audience);

/**
 * Identifies by tokens of an issuer: their signature, issuer, audience and times.
 * @throws `MODEL_UNAVAILABLE` when the issuer does not answer
 */
export const createIdentifyByToken = ({ issuer, audience, scopePrefix }: TokenIssuer): Identify => {
  const keys = once(() => discoverKeys(issuer));

  return async (credential) => {
    if (!TOKEN.test(credential)) return undefined;
    try {
      const options = { issuer, algorithms: ALGORITHMS, requiredClaims: ['exp', 'sub'] };
      const { payload } = await jwtVerify(credential, await keys(), options);
      const { sub } = payload;
      // All tokens without a subject would be one caller.
      if (!isFor(payload, audience) || typeof sub !== 'string' || sub === '') return undefined;
      return { holder: tokenHolder(sub), scopes: scopesOfClaims(payload, scopePrefix) };
    } catch (error) {
      if (error instanceof errors.JOSEError && !UNAVAILABLE.includes(error.code)) return undefined;
      throw unavailable(issuer, error);
    }
  };
};
