import { show } from '../../core/show.ts';
import { type CharacterSet, complement, setExpression, union } from './character-set.ts';
import { refuseSchema } from './keywords.ts';

const code = (character: string): number => character.codePointAt(0) ?? 0;
const range = (from: string, to: string): readonly [number, number] => [code(from), code(to)];

const DIGITS: CharacterSet = [range('0', '9')];
const WORD: CharacterSet = union([...DIGITS, range('A', 'Z'), range('a', 'z'), range('_', '_')]);
/** https://tc39.es/ecma262/#sec-white-space with line terminators. */
const SPACE: CharacterSet = union(
  [...'\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff ']
    .map((each) => range(each, each))
    .concat([range('\t', '\r'), range('\u2000', '\u200a')]),
);
const ANY: CharacterSet = complement(union([...'\n\r\u2028\u2029'].map((each) => range(each, each))));

const CLASSES: ReadonlyMap<string, CharacterSet> = new Map([
  ...([
    ['d', DIGITS],
    ['w', WORD],
    ['s', SPACE],
  ] as const),
  ...([
    ['D', complement(DIGITS)],
    ['W', complement(WORD)],
    ['S', complement(SPACE)],
  ] as const),
]);
const CONTROLS: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['f', '\f'],
  ['v', '\v'],
  ['0', '\0'],
]);
/** Characters that a backslash makes plain. */
const SYNTAX = /^[\^$\\.*+?()[\]{}|/-]$/;

const MOST_CHARACTERS = 1_000;
const DEEPEST = 32;
/** Repetitions of an atom within groups that repeat. XGrammar takes 10 s or a gigabyte for many more. */
const MOST_REPETITIONS = 1_000_000;

/** Reads a pattern of ECMAScript from the front. */
interface Reader {
  rest: string;
  depth: number;
  /** The most that an atom repeats in what was read last, by its own number and those of the groups around it. */
  repetitions: number;
  readonly refuse: (problem: string) => never;
}

const take = (reader: Reader, pattern: RegExp): RegExpExecArray | undefined => {
  const found = pattern.exec(reader.rest);
  if (found === null || found.index !== 0) return undefined;
  reader.rest = reader.rest.slice(found[0].length);
  return found;
};

/** The characters of an escape, behind its backslash. */
const readEscape = (reader: Reader): CharacterSet => {
  const [, unicode] = take(reader, /^u\{?([0-9A-Fa-f]{4,6})\}?/) ?? take(reader, /^x([0-9A-Fa-f]{2})/) ?? [];
  if (unicode !== undefined) {
    const point = Number.parseInt(unicode, 16);
    return point > 0x10ffff ? reader.refuse('an escape beyond Unicode') : union([[point, point]]);
  }
  const [character = ''] = take(reader, /^./su) ?? [];
  const control = CONTROLS.get(character);
  if (control !== undefined) return [range(control, control)];
  if (SYNTAX.test(character)) return [range(character, character)];
  return CLASSES.get(character) ?? reader.refuse(`"\\${character}"`);
};

const readMember = (reader: Reader): CharacterSet => {
  if (take(reader, /^\\/)) return readEscape(reader);
  const [character] = take(reader, /^[^\]\\]/su) ?? [];
  return character === undefined ? reader.refuse('a class without an end') : [range(character, character)];
};

/** A class, behind its bracket. */
const readClass = (reader: Reader): CharacterSet => {
  const isNegated = take(reader, /^\^/) !== undefined;
  const ranges: CharacterSet[] = [];
  while (!take(reader, /^\]/)) {
    const [[from, to] = [0, -1], ...others] = readMember(reader);
    const isRange = others.length === 0 && from === to && /^-[^\]]/s.test(reader.rest);
    if (!isRange) ranges.push([[from, to], ...others]);
    else {
      take(reader, /^-/);
      const [[low, high] = [0, -1], ...more] = readMember(reader);
      if (more.length > 0 || low !== high || low < from) reader.refuse('a range that is none');
      ranges.push([[from, low]]);
    }
  }
  const set = union(ranges.flat());
  return isNegated ? complement(set) : set;
};

const toExpression = (reader: Reader, set: CharacterSet): string =>
  setExpression(set) ?? reader.refuse('an empty class');

const readAtom = (reader: Reader): string => {
  if (take(reader, /^\((?:\?:|\?<[A-Za-z]\w*>)?(?!\?)/)) {
    const inner = readAlternatives(reader);
    return take(reader, /^\)/) ? `(${inner})` : reader.refuse('a group without an end');
  }
  if (take(reader, /^\[/)) return toExpression(reader, readClass(reader));
  if (take(reader, /^\\/)) return toExpression(reader, readEscape(reader));
  if (take(reader, /^\./)) return toExpression(reader, ANY);
  const [character] = take(reader, /^[^()[\]{}*+?^$|\\]/su) ?? [];
  return character === undefined
    ? reader.refuse(show(reader.rest.slice(0, 3)))
    : toExpression(reader, [range(character, character)]);
};

/** The number in `{2}`, the larger one in `{2,5}`; 1 where no number limits it. */
const repetitionsOf = (times: string): number => Math.max(1, ...(times.match(/\d+/g) ?? []).map(Number));

const readSequence = (reader: Reader): string => {
  const parts: string[] = [];
  let most = 1;
  while (!/^(?:[|)]|\$?$|\$\|)/.test(reader.rest)) {
    reader.repetitions = 1;
    const atom = readAtom(reader);
    const [, times = ''] = take(reader, /^([*+?]|\{\d{1,6}(?:,\d{0,6})?\})\??/) ?? [];
    const [, low = '0', high = ''] = /^\{(\d+),(\d+)\}$/.exec(times) ?? [];
    if (high !== '' && Number(low) > Number(high)) reader.refuse(show(times));
    most = Math.max(most, reader.repetitions * repetitionsOf(times));
    if (most > MOST_REPETITIONS) reader.refuse(`repetition of more than ${MOST_REPETITIONS} times in all`);
    parts.push(atom + times);
  }
  reader.repetitions = most;
  return parts.length === 0 ? '""' : parts.join(' ');
};

const readAlternatives = (reader: Reader): string => {
  if (reader.depth >= DEEPEST) reader.refuse('groups that are nested too deep');
  reader.depth += 1;
  const alternatives = [readSequence(reader)];
  let most = reader.repetitions;
  while (take(reader, /^\|/)) {
    alternatives.push(readSequence(reader));
    most = Math.max(most, reader.repetitions);
  }
  reader.depth -= 1;
  reader.repetitions = most;
  return alternatives.join(' | ');
};

/**
 * The texts that match a pattern of ECMAScript, as an expression within a text of JSON.
 * @throws `INVALID_REQUEST` for what no grammar here can keep
 */
export const patternExpression = (pattern: unknown, path: string): string => {
  const refuse = (problem: string): never =>
    refuseSchema(path, `has "pattern": ${show(pattern)}, whose ${problem} is not supported here`);
  if (typeof pattern !== 'string' || pattern.length > MOST_CHARACTERS)
    return refuseSchema(path, `has "pattern": ${show(pattern)}, expected up to ${MOST_CHARACTERS} characters`);
  const reader: Reader = { rest: pattern, depth: 0, repetitions: 1, refuse };
  const alternatives: string[] = [];
  do {
    const before = take(reader, /^\^/) ? '' : 'character* ';
    const body = readSequence(reader);
    const after = take(reader, /^\$/) ? '' : ' character*';
    alternatives.push(`${before}${body}${after}`);
  } while (take(reader, /^\|/));
  if (reader.rest !== '') refuse(show(reader.rest.slice(0, 3)));
  return alternatives.join(' | ');
};
