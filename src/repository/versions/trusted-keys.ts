import { type KeyObject, verify } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';

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
