import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ServingError } from '../../core/errors.ts';

/** The sha256 of a local file, in lower-case hexadecimal. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
};

/** @throws `CONFLICT` when the file that was sent differs from the file that was hashed before */
export const assertUnchanged = (path: string, sentSha256: string, sha256: string): void => {
  if (sentSha256 !== sha256)
    throw new ServingError('CONFLICT', `${path} was changed while it was sent: its sha256 was ${sha256}; push again`);
};
