/** Characters as ranges of code points, in ascending order and apart. */
export type CharacterSet = readonly (readonly [from: number, to: number])[];

const LAST = 0x10ffff;
/** Halves of characters are none. */
const HALVES = [0xd800, 0xdfff] as const;

/** The characters of any of the ranges, but no halves. */
export const union = (ranges: CharacterSet): CharacterSet => {
  const whole = ranges.flatMap(([from, to]): [number, number][] => {
    const parts: [number, number][] = [
      [from, Math.min(to, HALVES[0] - 1)],
      [Math.max(from, HALVES[1] + 1), to],
    ];
    return from > HALVES[1] || to < HALVES[0] ? [[from, to]] : parts.filter(([low, high]) => low <= high);
  });
  const merged: [number, number][] = [];
  for (const [from, to] of whole.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

export const complement = (set: CharacterSet): CharacterSet => {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) gaps.push([next, LAST]);
  return union(gaps);
};

const hex = (byte: number): string => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** A class of bytes above 0x7F. A single one would become a character, hence `\xFF` beside it: no token has that byte. */
const byteClass = (from: number, to: number): string =>
  from === to ? `[${hex(from)}\\xFF]` : `[${hex(from)}-${hex(to)}]`;

/** The bytes of UTF-8 from `low` to `high`, which have as many, as alternatives. */
const byteRanges = (low: readonly number[], high: readonly number[]): string[] => {
  const [first = 0, ...rest] = low;
  const [last = 0, ...others] = high;
  if (rest.length === 0) return [byteClass(first, last)];
  const [lowest, highest] = [rest.map(() => 0x80), rest.map(() => 0xbf)];
  const isSame = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
  const behind = (byte: number, to: number, tails: readonly string[]): string[] =>
    byte > to ? [] : tails.map((tail) => `${byteClass(byte, to)} ${tail}`);
  if (first === last) return behind(first, first, byteRanges(rest, others));
  const isLowWhole = isSame(rest, lowest);
  const isHighWhole = isSame(others, highest);
  return [
    ...(isLowWhole ? [] : behind(first, first, byteRanges(rest, highest))),
    ...behind(first + (isLowWhole ? 0 : 1), last - (isHighWhole ? 0 : 1), byteRanges(lowest, highest)),
    ...(isHighWhole ? [] : behind(last, last, byteRanges(lowest, others))),
  ];
};

/** Ranges of code points whose UTF-8 has 2, 3 and 4 bytes. */
const WIDTHS = [
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, LAST],
] as const;

const utf8 = (code: number): number[] => [...Buffer.from(String.fromCodePoint(code))];

const wideAlternatives = ([from, to]: readonly [number, number]): string[] =>
  WIDTHS.flatMap(([least, most]) => {
    const [low, high] = [Math.max(from, least), Math.min(to, most)];
    return low > high ? [] : byteRanges(utf8(low), utf8(high));
  });

/** True for characters that JSON writes as they are. */
const isPlain = (code: number): boolean => code >= 0x20 && code !== 0x22 && code !== 0x5c;

/** A character of the set within a text of JSON, as an expression of EBNF; undefined for the empty set. */
export const setExpression = (set: CharacterSet): string | undefined => {
  const ascii = set.flatMap(([from, to]) =>
    Array.from({ length: Math.max(0, Math.min(to, 0x7f) - from + 1) }, (_, index) => from + index),
  );
  const plain = ascii.filter(isPlain);
  const escaped = ascii.filter((code) => !isPlain(code));
  const alternatives = [
    ...(plain.length > 0 ? [`[${plain.map(hex).join('')}]`] : []),
    ...escaped.map((code) => JSON.stringify(JSON.stringify(String.fromCodePoint(code)).slice(1, -1))),
    ...set.flatMap(wideAlternatives),
  ];
  return alternatives.length === 0 ? undefined : `(${alternatives.join(' | ')})`;
};
