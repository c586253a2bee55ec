import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key as its holder sends it: `ons_<id>_<secret>_<checksum>`. Scanners for leaked secrets find it by its form. */
const KEY = /^(ons_([0-9a-f]{10})_[A-Za-z0-9_-]{43})_([0-9a-f]{6})$/;

const ID_BYTES = 5;
const SECRET_BYTES = 32;
const CHECKSUM_CHARACTERS = 6;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tells a mistyped key apart from an unknown one, without a look at any store. */
const checksumOf = (start: string): string => sha256(start).toString('hex').slice(0, CHECKSUM_CHARACTERS);

/** A new key: its public id, and its text with 256 random bits. */
export const createKey = (): { readonly id: string; readonly text: string } => {
  const id = randomBytes(ID_BYTES).toString('hex');
  const start = `ons_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, text: `${start}_${checksumOf(start)}` };
};

/** The id in the text of a key; undefined when the text is no key. */
export const keyIdOf = (text: string): string | undefined => {
  const [, start = '', id, checksum] = KEY.exec(text) ?? [];
  return checksum === checksumOf(start) ? id : undefined;
};

/** The id in a key, also in one that was cut, as a log may have it. Any other text is an id itself. */
export const idInKey = (text: string): string => /^ons_([0-9a-f]{10})(?:_|$)/.exec(text)?.[1] ?? text;

/** The hash of a key, in hexadecimal. A slow hash would protect a weak password; it adds nothing to 256 random bits. */
export const hashKey = (text: string): string => sha256(text).toString('hex');

/** Compares in constant time. */
export const matchesHash = (text: string, hash: string): boolean => {
  const [given, expected] = [sha256(text), Buffer.from(hash, 'hex')];
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
};
