import { createPublicKey, type KeyObject } from 'node:crypto';
import { ServingError } from './errors.ts';

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
