import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ServingError } from '../src/core/errors.ts';

const readKey = async (path: string, parse: (pem: Buffer) => KeyObject, make: string): Promise<KeyObject> => {
  const pem = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ServingError('NOT_FOUND', `cannot read the key ${path}: ${error.code}`);
  });
  const expected = `${path} is no Ed25519 key in PEM; make one with: ${make}`;
  let key: KeyObject;
  try {
    key = parse(pem);
  } catch {
    throw new ServingError('INVALID_REQUEST', expected); // without the reason: it may quote the key
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new ServingError('INVALID_REQUEST', expected);
  return key;
};

export interface Signer {
  /** Base64. */
  readonly sign: (bytes: Uint8Array) => string;
  /** What functions have to trust: PEM. */
  readonly publicKey: string;
}

/** Reads a private key, which goes nowhere. @throws `NOT_FOUND`, `INVALID_REQUEST` saying how to make one */
export const readSigner = async (path: string): Promise<Signer> => {
  const key = await readKey(path, createPrivateKey, 'openssl genpkey -algorithm ed25519 -out key.pem');
  return {
    sign: (bytes) => sign(null, bytes, key).toString('base64'),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  };
};

/** Whether a base64 signature over the bytes was made with the private key of `publicKey`. */
export type IsSigned = (bytes: Uint8Array, signature: string) => boolean;

/** @throws `NOT_FOUND`, `INVALID_REQUEST` saying how to make one */
export const readTrustedKeys = async (paths: readonly string[]): Promise<IsSigned> => {
  const keys: KeyObject[] = [];
  for (const path of paths)
    keys.push(await readKey(path, createPublicKey, 'openssl pkey -in key.pem -pubout -out public.pem'));
  return (bytes, signature) => keys.some((key) => verify(null, bytes, key, Buffer.from(signature, 'base64')));
};
