import { isObject } from '../../../core/is-object.ts';
import { CHARACTER_BYTES } from './characters.ts';
import { SPACE_SYMBOL } from './sentencepiece/characters.ts';

/** The UTF-8 of a token within a text. */
export type TokenBytes = (token: string) => Uint8Array;

/** A token of GPT-2's vocabulary, whose characters are bytes. A token with any other character stays as it is. */
export const ofByteLevel: TokenBytes = (token) => {
  const bytes = Array.from(token, (character) => CHARACTER_BYTES.get(character)).filter((byte) => byte !== undefined);
  return bytes.length === Array.from(token).length ? Uint8Array.from(bytes) : Buffer.from(token);
};

const ofSentencePiece: TokenBytes = (token) => {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return byte === undefined
    ? Buffer.from(token.replaceAll(SPACE_SYMBOL, ' '))
    : Uint8Array.of(Number.parseInt(byte, 16));
};

const isSpaceMark = ({ type, pattern, replacement }: Readonly<Record<string, unknown>>): boolean =>
  (type === 'Metaspace' && replacement === SPACE_SYMBOL) ||
  (type === 'Replace' && isObject(pattern) && pattern.String === SPACE_SYMBOL);

/** The bytes of tokens by the `decoder` of tokenizer.json; undefined for one that joins tokens in another way, such as WordPiece. */
export const tokenBytes = (decoder: unknown): TokenBytes | undefined => {
  if (!isObject(decoder)) return undefined;
  const steps: unknown[] = Array.isArray(decoder.decoders) ? decoder.decoders : [decoder];
  const kinds = steps.filter(isObject);
  if (kinds.some(({ type }) => type === 'ByteLevel')) return ofByteLevel;
  return kinds.some(isSpaceMark) ? ofSentencePiece : undefined;
};
