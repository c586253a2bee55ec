/** Whether a character is of a class, remembered for the 65,536 that one UTF-16 unit holds. */
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
/** What BERT drops: control, format and private characters, but not those that part words. */
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

/** The ideographs that BERT takes for words of their own. */
export const isIdeograph = (character: string): boolean => {
  const point = character.codePointAt(0) ?? 0;
  return point >= 0x3400 && CJK.some(([from, to]) => point >= from && point <= to);
};

/** The character that stands for each byte in byte-level vocabularies: printable ones for themselves, the others from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(isPrintable ? byte : next++);
  });
})();

/** Byte → character, inverted. */
export const CHARACTER_BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

const encoder = new TextEncoder();

/** The characters that stand for the UTF-8 bytes of `text`. */
export const toByteCharacters = (text: string): string => {
  let characters = '';
  for (const byte of encoder.encode(text)) characters += BYTE_CHARACTERS[byte];
  return characters;
};
