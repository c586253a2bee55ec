import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SignJWT, UnsecuredJWT } from 'jose';
import { createIdentifyByToken } from '../../../src/access/identify-token.ts';
import { isAllowed, OPERATIONS } from '../../../src/access/scope.ts';
import { startIssuer, type TestIssuer } from '../../support/token-issuer.ts';

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.stop());

const identify = (credential: string, scopePrefix = '') =>
  createIdentifyByToken({ issuer: issuer.issuer, audience: 'models', scopePrefix })(credential);
const now = (): number => Math.floor(Date.now() / 1000);

describe('a token', () => {
  it('tells its subject and its scopes', async () => {
    const token = await issuer.sign({ scope: 'predict:iris jobs openid' });
    expect(await identify(token)).toEqual({ holder: 'jwt:alice', scopes: ['predict:iris', 'jobs', 'openid'] });
  });

  it.each<[string, Record<string, unknown>]>([
    ['the text scp', { scp: 'predict jobs' }],
    ['the list scp', { scp: ['predict', 'jobs'] }],
    ['the list scope', { scope: ['predict', 'jobs'] }],
    ['both claims', { scope: 'predict', scp: 'jobs' }],
  ])('has its scopes in %s', async (_where, claims) => {
    const token = await issuer.sign({ scope: null, ...claims });
    expect((await identify(token))?.scopes).toEqual(['predict', 'jobs']);
  });

  it('has no scope of another service', async () => {
    const token = await issuer.sign({ scope: 'other/admin onnx/predict:iris predict onnx/ onnx/other/admin' });
    expect((await identify(token, 'onnx/'))?.scopes).toEqual(['predict:iris', 'other/admin']);
    const scopes = (await identify(token))?.scopes ?? [];
    expect(OPERATIONS.filter((operation) => isAllowed(scopes, operation, undefined))).toEqual(['predict']);
    for (const scope of [undefined, 5, {}, [5], ''])
      expect((await identify(await issuer.sign({ scope })))?.scopes).toEqual([]);
  });

  it.each([
    ['that is not signed by the issuer', {}, 'stranger'],
    ['of another issuer', { iss: 'https://issuer.example.org' }, 'issuer'],
    ['for another audience', { aud: 'others' }, 'issuer'],
    ['for no audience', { aud: null }, 'issuer'],
    ['that has expired', { exp: now() - 1 }, 'issuer'],
    ['that never expires', { exp: null }, 'issuer'],
    ['of the future', { nbf: now() + 600 }, 'issuer'],
    ['of nobody', { sub: null }, 'issuer'],
    ['of a subject without a name', { sub: '' }, 'issuer'],
    ['of a subject that is no text', { sub: 5 }, 'issuer'],
  ] as const)('%s lets nobody in', async (_what, claims, by) => {
    expect(await identify(await issuer.sign(claims, by))).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>]>([
    ['one of several audiences', { aud: ['others', 'models'] }],
    ['a client in the place of an audience', { aud: null, client_id: 'models' }],
  ])('may name %s', async (_what, claims) => {
    expect(await identify(await issuer.sign(claims))).toBeDefined();
  });

  it('that is not signed at all, or with the public key as a secret, lets nobody in', async () => {
    const claims = { iss: issuer.issuer, aud: 'models', sub: 'alice', exp: now() + 60 };
    const secret = Buffer.from(issuer.publicModulus);
    const hashed = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    for (const token of [new UnsecuredJWT(claims).encode(), hashed, 'a.b.c', 'e30.e30.', ''])
      expect({ token, identity: await identify(token) }).toEqual({ token, identity: undefined });
  });

  it('with a changed claim lets nobody in', async () => {
    const [head, body = '', signature] = (await issuer.sign()).split('.');
    const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'root' };
    const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
    expect(await identify([head, changed, signature].join('.'))).toBeUndefined();
  });
});

describe('an issuer', () => {
  it('is asked once for many tokens', async () => {
    const byToken = createIdentifyByToken({ issuer: issuer.issuer, audience: 'models', scopePrefix: '' });
    for (let tokens = 0; tokens < 5; tokens += 1) expect(await byToken(await issuer.sign())).toBeDefined();
    expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('that does not answer lets nobody in, and is asked again', async () => {
    const byToken = createIdentifyByToken({ issuer: issuer.issuer, audience: 'models', scopePrefix: '' });
    issuer.isAway = true;
    await expect(byToken(await issuer.sign())).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    issuer.isAway = false;
    expect(await byToken(await issuer.sign())).toBeDefined();
  });

  it('is not read over plain http from another machine', async () => {
    const byToken = createIdentifyByToken({ issuer: 'http://issuer.example.org', audience: 'models', scopePrefix: '' });
    await expect(byToken(await issuer.sign())).rejects.toMatchObject({
      operator: expect.stringContaining('expected https:'),
    });
  });
});
