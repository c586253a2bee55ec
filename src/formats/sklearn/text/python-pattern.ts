import type { Estimator } from '../estimator.ts';

/** Characters of Python's classes in texts, as JavaScript writes them within brackets. */
const CLASSES = {
  w: '\\p{L}\\p{N}_',
  d: '\\p{Nd}',
  s: '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
} as const;

const WORD = `[${CLASSES.w}]`;
const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;
const INSIDE = `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`;

/** Escapes outside brackets. */
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ w: WORD, W: `[^${CLASSES.w}]`, d: `[${CLASSES.d}]`, D: `[^${CLASSES.d}]`, s: `[${CLASSES.s}]` },
  ...{ S: `[^${CLASSES.s}]`, b: BOUNDARY, B: INSIDE, A: '^', Z: '$', n: '\\n', t: '\\t', r: '\\r', f: '\\f', v: '\\v' },
};

/** Escapes within brackets: classes, which may be negated, and single characters. */
const INNER: Readonly<Record<string, string>> = {
  ...{ w: CLASSES.w, d: CLASSES.d, s: CLASSES.s, W: `[^${CLASSES.w}]`, D: `[^${CLASSES.d}]`, S: `[^${CLASSES.s}]` },
  ...{ n: '\\n', t: '\\t', r: '\\r', f: '\\f', v: '\\v', b: '\\b' },
};

const SYNTAX = /[\^$\\.*+?()[\]{}|/&!#%,:;<=>@`~-]/;

/** A character that stands for itself, outside and within brackets. */
const literal = (character: string): string =>
  SYNTAX.test(character) ? `\\u{${character.codePointAt(0)?.toString(16)}}` : character;

/**
 * The parts of a pattern, of which `translate` is null where Python has a meaning that JavaScript has not. The first that fits counts.
 * Quantifiers, alternatives, and groups that are not captured are alike in both.
 */
const PARTS: readonly (readonly [RegExp, ((match: string) => string | undefined) | null])[] = [
  [
    /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/,
    (match) => literal(String.fromCodePoint(Number.parseInt(match.slice(2), 16))),
  ],
  [/^\\[a-zA-Z]/, (match) => ESCAPES[match.slice(1)]],
  [/^\\[0-9]/, null],
  [/^\\./su, (match) => literal(match.slice(1))],
  [/^\[\^?\]?(?:\\.|[^\]\\])*\]/su, (match) => translateSet(match)],
  [/^\((?:\?(?::|=|!|<=|<!))/, (match) => match],
  [/^\(\?/, null],
  [/^[()|]/, (match) => match],
  [/^(?:[*+?]|\{\d*,?\d*\})\+/, null],
  [/^\{,(\d+)\}/, (match) => `{0${match.slice(1)}`],
  [/^(?:[*+?]|\{\d+(?:,\d*)?\})\??/, (match) => match],
  [/^\^/, () => '^'],
  [/^\$/, () => '(?=\\n?$)'],
  [/^\./, () => '[^\\n]'],
  [/^./su, literal],
];

const SET_PARTS: readonly (readonly [RegExp, (match: string) => string | undefined])[] = [
  [
    /^\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/,
    (match) => literal(String.fromCodePoint(Number.parseInt(match.slice(2), 16))),
  ],
  [/^\\[a-zA-Z0-9]/, (match) => INNER[match.slice(1)]],
  [/^\\./su, (match) => literal(match.slice(1))],
  [/^./su, literal],
];

/** The first character or class of the inside of brackets, translated, and the rest. */
const takeMember = (inside: string): { readonly member: string | undefined; readonly rest: string } => {
  for (const [part, translate] of SET_PARTS) {
    const [match] = part.exec(inside) ?? [];
    if (match !== undefined) return { member: translate(match), rest: inside.slice(match.length) };
  }
  return { member: undefined, rest: '' };
};

/** A class in brackets. Undefined when JavaScript has no equal. */
const translateSet = (set: string): string | undefined => {
  const isNegated = set.startsWith('[^');
  let rest = set.slice(isNegated ? 2 : 1, -1);
  let members = '';
  while (rest !== '') {
    const first = takeMember(rest);
    if (first.member === undefined) return undefined;
    const isRange = first.rest.startsWith('-') && first.rest.length > 1;
    const last = isRange ? takeMember(first.rest.slice(1)) : undefined;
    if (last !== undefined && last.member === undefined) return undefined;
    members += last === undefined ? first.member : `${first.member}-${last.member}`;
    rest = (last ?? first).rest;
  }
  return isNegated ? `[^${members}]` : `[${members}]`;
};

const translateParts = (pattern: string): string | undefined => {
  let [rest, translated] = [pattern, ''];
  while (rest !== '') {
    const part = PARTS.find(([start]) => start.test(rest));
    const [match = ''] = part?.[0].exec(rest) ?? [];
    const own = part?.[1]?.(match);
    if (own === undefined) return undefined;
    translated += own;
    rest = rest.slice(match.length);
  }
  return translated;
};

const isValid = (pattern: string): boolean => {
  try {
    return new RegExp(pattern, 'v').source !== '';
  } catch {
    return false;
  }
};

/**
 * A regular expression of Python (`re`, for texts) as one of JavaScript with the flag `v`.
 * @throws `MODEL_INVALID` for flags within it, references back to a group, named groups, and whatever else has no equal
 */
export const translatePattern = (estimator: Estimator, pattern: string): string => {
  const translated = translateParts(pattern.replace(/^\(\?u\)/, ''));
  if (translated !== undefined && translated !== '' && isValid(translated)) return translated;
  return estimator.refuse(
    `token_pattern is ${JSON.stringify(pattern)}, which has no equal in JavaScript; known are classes, groups, ` +
      'repetitions, look-arounds and boundaries: fit it with a pattern of these',
  );
};
