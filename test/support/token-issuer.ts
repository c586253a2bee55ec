import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** An issuer of tokens on this machine. */
export interface TestIssuer {
  readonly issuer: string;
  /** The public key as PEM would be served: the modulus that everybody can read. */
  readonly publicModulus: string;
  /** Signs a token that lasts a minute, unless the claims say otherwise; null leaves a claim out. */
  sign(claims?: Readonly<Record<string, unknown>>, by?: 'issuer' | 'stranger'): Promise<string>;
  readonly requests: string[];
  /** Answers 503 while it is true. */
  isAway: boolean;
  stop(): Promise<void>;
}

/** Those of all issuers of a test file: two take half a second. */
const PAIRS = Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);

export const startIssuer = async (): Promise<TestIssuer> => {
  const [mine, strange] = await PAIRS;
  const jwk = await exportJWK(mine.publicKey);
  const requests: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    requests.push(url);
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: result.issuer, jwks_uri: `${result.issuer}/keys` },
      '/keys': { keys: [{ ...jwk, kid: 'one', alg: 'RS256', use: 'sig' }] },
    };
    response.statusCode = result.isAway || !(url in documents) ? 503 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(documents[url] ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const result: TestIssuer = {
    issuer,
    publicModulus: jwk.n ?? '',
    requests,
    isAway: false,
    async sign(claims = {}, by = 'issuer') {
      const seconds = Math.floor(Date.now() / 1000);
      const all = { iss: issuer, aud: 'models', sub: 'alice', scope: 'predict', exp: seconds + 60, ...claims };
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as JWTPayload;
      const { privateKey } = by === 'issuer' ? mine : strange;
      return new SignJWT(given).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return result;
};
