import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';

const PEM = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/g;

/**
 * Parses the Ed25519 public keys in `text`, one PEM block after the other; an empty text has none. The blocks may lack line breaks, which
 * shells and consoles lose.
 * @throws `INTERNAL` for any other text: a function that trusts too few keys must not start
 */
export const parseTrustedKeys = (text: string): KeyObject[] => {
  const refuse = (problem: string): never => {
    throw new ServingError('INTERNAL', `trusted keys: ${problem}; expected Ed25519 public keys as PEM`);
  };
  const keys = [...text.matchAll(PEM)].map(([, body = ''], index) => {
    try {
      const key = createPublicKey({
        key: Buffer.from(body.replace(/\\n|\s/g, ''), 'base64'),
        format: 'der',
        type: 'spki',
      });
      return key.asymmetricKeyType === 'ed25519' ? key : refuse(`key ${index + 1} is ${key.asymmetricKeyType}`);
    } catch (error) {
      if (error instanceof ServingError) throw error;
      return refuse(`key ${index + 1} cannot be read`);
    }
  });
  const rest = text.replace(PEM, '').replace(/\\n|\s/g, '');
  if (rest !== '') refuse('there is text that is no key');
  return keys;
};

/**
 * Asserts that one of `keys` signed `bytes`. `signature` is base64; undefined when there is none.
 * @throws `MODEL_INVALID` when the signature is missing or wrong
 */
export const assertSigned = (
  bytes: Uint8Array,
  signature: string | undefined,
  keys: readonly KeyObject[],
  origin: string,
): void => {
  if (signature !== undefined) {
    const raw = Buffer.from(signature, 'base64');
    if (keys.some((key) => verify(null, bytes, key, raw))) return;
  }
  const problem = signature === undefined ? 'is not signed' : 'is signed by none of the trusted keys';
  throw new ServingError(
    'MODEL_INVALID',
    `${origin} ${problem}, and only signed models are served: push it with --sign`,
  );
};
