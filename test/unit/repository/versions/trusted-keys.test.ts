import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseTrustedKeys } from '../../../../src/core/trusted-keys.ts';
import { assertSigned } from '../../../../src/repository/versions/trusted-keys.ts';

const toPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

const first = generateKeyPairSync('ed25519');
const second = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const BYTES = Buffer.from('{"formatVersion": 1}');
const trusted = parseTrustedKeys(toPem(first.publicKey) + toPem(second.publicKey));

const check = (signature: string | undefined, bytes: Uint8Array = BYTES) =>
  assertSigned(bytes, signature, trusted, 's3://models/bundle.json');
const signedBy = ({ privateKey }: { privateKey: KeyObject }): string =>
  sign(null, BYTES, privateKey).toString('base64');

describe('trusted keys', () => {
  it('are none in an empty text', () => {
    expect(parseTrustedKeys(' \n')).toEqual([]);
  });

  it.each([
    ['spaces', ' '],
    ['the characters \\n', '\\n'],
    ['nothing', ''],
  ])('are read when %s stand in place of line breaks', (_what, separator) => {
    const text = toPem(first.publicKey).replaceAll('\n', separator);

    expect(parseTrustedKeys(text).map(toPem)).toEqual([toPem(first.publicKey)]);
  });

  it.each([
    ['text that is no key', 'public.pem', 'text that is no key'],
    ['text beside a key', `${toPem(first.publicKey)}and more`, 'text that is no key'],
    ['a damaged key', toPem(first.publicKey).replace('MCow', 'AAAA'), 'key 1 cannot be read'],
    ['a key of another kind', toPem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey), 'key 1 is rsa'],
  ])('are refused with %s', (_what, text, problem) => {
    expect(() => parseTrustedKeys(text)).toThrow(problem);
  });

  it('are refused when they are private, without being quoted', () => {
    const pem = first.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

    expect(() => parseTrustedKeys(pem)).toThrow(
      'trusted keys: there is text that is no key; expected Ed25519 public keys as PEM',
    );
  });
});

describe('a document', () => {
  it.each([
    ['the first', first],
    ['the second', second],
  ])('is accepted when %s trusted key signed it', (_which, pair) => {
    expect(() => check(signedBy(pair))).not.toThrow();
  });

  it.each([
    ['without a signature', undefined, BYTES, 'bundle.json is not signed'],
    ['signed by a stranger', signedBy(stranger), BYTES, 'is signed by none of the trusted keys'],
    [
      'altered after it was signed',
      signedBy(first),
      Buffer.from('{"formatVersion": 2}'),
      'by none of the trusted keys',
    ],
    ['with a signature that is no base64', '§', BYTES, 'by none of the trusted keys'],
    ['with an empty signature', '', BYTES, 'by none of the trusted keys'],
  ])('is refused %s', (_how, signature, bytes, problem) => {
    expect(() => check(signature, bytes)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
    expect(() => check(signature, bytes)).toThrow(problem);
  });
});
