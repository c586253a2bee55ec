import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ServingError } from '../../src/core/errors.ts';
import { parseTrustedKeys } from '../../src/core/trusted-keys.ts';

/** Reads keys from a file. @throws without the reason why it cannot be parsed, which may quote the key */
const readKeys = async <T>(path: string, parse: (pem: string) => T | undefined, make: string): Promise<T> => {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ServingError('NOT_FOUND', `cannot read the key ${path}: ${error.code}`);
  });
  const refuse = (): never => {
    throw new ServingError('INVALID_REQUEST', `${path} is no Ed25519 key in PEM; make one with: ${make}`);
  };
  try {
    return parse(pem) ?? refuse();
  } catch {
    return refuse();
  }
};

export interface Signer {
  /** Base64. */
  readonly sign: (bytes: Uint8Array) => string;
  /** The key that functions have to trust, in PEM. */
  readonly publicKey: string;
}

const parsePrivateKey = (pem: string): KeyObject | undefined => {
  const key = createPrivateKey(pem);
  return key.asymmetricKeyType === 'ed25519' ? key : undefined;
};

/** Reads a private key, which goes nowhere. @throws `NOT_FOUND`, `INVALID_REQUEST` saying how to make one */
export const readSigner = async (path: string): Promise<Signer> => {
  const key = await readKeys(path, parsePrivateKey, 'openssl genpkey -algorithm ed25519 -out key.pem');
  return {
    sign: (bytes) => sign(null, bytes, key).toString('base64'),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  };
};

/** @throws `NOT_FOUND`, `INVALID_REQUEST` saying how to make one */
export const readTrustedKeys = async (paths: readonly string[]): Promise<KeyObject[]> => {
  const parse = (pem: string): KeyObject[] | undefined => {
    const keys = parseTrustedKeys(pem);
    return keys.length > 0 ? keys : undefined;
  };
  const make = 'openssl pkey -in key.pem -pubout -out public.pem';
  return (await Promise.all(paths.map((path) => readKeys(path, parse, make)))).flat();
};
