import { COSTS } from '../budget.ts';
import type { Machine } from '../machine.ts';
import { refuse } from '../refuse.ts';
import type { Opcodes } from './opcode.ts';

/** Digits of an integer in decimal, and bytes of one in binary: random generators keep 128 bits. */
const MOST_DIGITS = 1000;
const MOST_INTEGER_BYTES = 512;

const toInteger = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

const parseInteger = (line: string): number | bigint =>
  line.length <= MOST_DIGITS && /^[+-]?\d+$/.test(line)
    ? toInteger(BigInt(line.replace('+', '')))
    : refuse(`it is damaged: "${line.slice(0, 20)}" (${line.length} characters) stands in the place of an integer`);

/** `I01` and `I00` are the truth values of protocols 0 and 1. */
const parseIntegerOrFlag = (line: string): number | bigint | boolean =>
  line === '01' ? true : line === '00' ? false : parseInteger(line);

const parseFloat64 = (line: string): number => {
  const special = {
    inf: Number.POSITIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
    nan: Number.NaN,
    '-nan': Number.NaN,
  };
  const found = Object.entries(special).find(([name]) => name === line)?.[1];
  if (found !== undefined) return found;
  if (/^[+-]?(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?$/i.test(line)) return Number(line);
  return refuse(`it is damaged: "${line.slice(0, 20)}" stands in the place of a number`);
};

/** An integer in two's complement, the lowest byte first. */
const readLong = ({ reader }: Machine, length: number): number | bigint => {
  if (length < 0 || length > MOST_INTEGER_BYTES) return refuse(`it is damaged: an integer of ${length} bytes`);
  const digits = reader.take(length).toReversed();
  if (length === 0) return 0;
  return toInteger(BigInt.asIntN(8 * length, BigInt(`0x${Buffer.from(digits).toString('hex')}`)));
};

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** A text between quotes as Python 2 prints it. */
const parseQuoted = (line: string): string => {
  const [, , quoted] = /^(['"])(.*)\1$/s.exec(line.trimEnd()) ?? [];
  if (quoted === undefined) return refuse('it is damaged: a text has no quotes');
  return quoted.replace(
    /\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.))/gis,
    (_all, hex?: string, octal?: string, character = '') =>
      hex !== undefined || octal !== undefined
        ? String.fromCharCode(hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? '', 8) % 256)
        : (ESCAPES[character] ?? character),
  );
};

/** Text in which characters beyond Latin-1 are `\uXXXX` or `\UXXXXXXXX`. */
const parseRawUnicode = (line: string): string =>
  line.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/g, (_all, four?: string, eight?: string) => {
    const point = Number.parseInt(four ?? eight ?? '', 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : refuse(`it is damaged: a text has the character ${point}`);
  });

const pushText = (machine: Machine, length: number, encoding: 'utf8' | 'latin1'): void =>
  machine.push(machine.reader.take(length).toString(encoding), COSTS.slot + length);

const pushBytes = (machine: Machine, length: number): void => machine.push(machine.reader.take(length), COSTS.object);

/** Opcodes that push a value without parts. */
export const SCALARS: Opcodes = {
  66: (machine) => pushBytes(machine, machine.reader.uint32()), // BINBYTES
  67: (machine) => pushBytes(machine, machine.reader.uint8()), // SHORT_BINBYTES
  70: (machine) => machine.push(parseFloat64(machine.reader.line())), // FLOAT
  71: (machine) => machine.push(machine.reader.float64()), // BINFLOAT
  73: (machine) => machine.push(parseIntegerOrFlag(machine.reader.line())), // INT
  74: (machine) => machine.push(machine.reader.int32()), // BININT
  75: (machine) => machine.push(machine.reader.uint8()), // BININT1
  76: (machine) => machine.push(parseInteger(machine.reader.line().replace(/L$/, ''))), // LONG
  77: (machine) => machine.push(machine.reader.uint16()), // BININT2
  78: (machine) => machine.push(null), // NONE
  83: (machine) => machine.push(parseQuoted(machine.reader.line())), // STRING
  84: (machine) => pushText(machine, machine.reader.int32(), 'latin1'), // BINSTRING
  85: (machine) => pushText(machine, machine.reader.uint8(), 'latin1'), // SHORT_BINSTRING
  86: (machine) => machine.push(parseRawUnicode(machine.reader.line())), // UNICODE
  88: (machine) => pushText(machine, machine.reader.uint32(), 'utf8'), // BINUNICODE
  136: (machine) => machine.push(true), // NEWTRUE
  137: (machine) => machine.push(false), // NEWFALSE
  138: (machine) => machine.push(readLong(machine, machine.reader.uint8()), COSTS.object), // LONG1
  139: (machine) => machine.push(readLong(machine, machine.reader.int32()), COSTS.object), // LONG4
  140: (machine) => pushText(machine, machine.reader.uint8(), 'utf8'), // SHORT_BINUNICODE
  141: (machine) => pushText(machine, machine.reader.uint64(), 'utf8'), // BINUNICODE8
  142: (machine) => pushBytes(machine, machine.reader.uint64()), // BINBYTES8
  150: (machine) => pushBytes(machine, machine.reader.uint64()), // BYTEARRAY8
};
