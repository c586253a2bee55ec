/** UTF-16 units of the character at `index`. */
export const characterSizeAt = (text: string, index: number): number =>
  (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;

/** Creates a test of a character by a pattern, with a cache for characters of one UTF-16 unit. */
const characterClass = (pattern: RegExp): ((character: string) => boolean) => {
  const UNKNOWN = 0;
  const OUTSIDE = 1;
  const INSIDE = 2;
  const known = new Uint8Array(0x10000);
  return (character) => {
    if (character.length > 1) return pattern.test(character);
    const unit = character.charCodeAt(0);
    if (known[unit] === UNKNOWN) known[unit] = pattern.test(character) ? INSIDE : OUTSIDE;
    return known[unit] === INSIDE;
  };
};

/** Rust's `char::is_whitespace`. */
export const isWhitespace = characterClass(/\p{White_Space}/u);
/** Rust's `char::is_numeric`. */
export const isNumeric = characterClass(/\p{N}/u);
export const isPunctuation = characterClass(/[\p{P}!-/:-@[-`{-~]/u);
/** `\w` of Rust's `regex`. */
export const isWord = characterClass(/[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u);
export const isMark = characterClass(/\p{M}/u);
export const isNonspacingMark = characterClass(/\p{Mn}/u);
/** Characters that BERT drops: control, format and private ones, except tabs and line breaks. */
export const isControl = characterClass(/[^\P{C}\p{Cn}\t\n\r]/u);

const CJK: readonly (readonly [from: number, to: number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/** Tells whether BERT treats an ideograph as a word of its own. */
export const isIdeograph = (character: string): boolean => {
  const point = character.codePointAt(0) ?? 0;
  return point >= 0x3400 && CJK.some(([from, to]) => point >= from && point <= to);
};

/** Characters for bytes in byte-level vocabularies: printable bytes stand for themselves, others are numbered from U+0100. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(isPrintable ? byte : next++);
  });
})();

/** The byte of each character in `BYTE_CHARACTERS`. */
export const CHARACTER_BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

const encoder = new TextEncoder();

/** Replaces the UTF-8 bytes of `text` by their characters. An ASCII character is looked up: encoding it would take most of the time of a word. */
export const toByteCharacters = (text: string): string => {
  if (text.length === 1 && text < '\u0080') return BYTE_CHARACTERS[text.charCodeAt(0)] ?? '';
  let characters = '';
  for (const byte of encoder.encode(text)) characters += BYTE_CHARACTERS[byte];
  return characters;
};
