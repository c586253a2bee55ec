import { describe, expect, it } from '@jest/globals';
import { parseUbjson } from '../../../../src/formats/xgboost/ubjson.ts';

const long = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(9, 'L');
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
};

const join = (...parts: readonly (string | Buffer)[]): Buffer => Buffer.concat(parts.map((part) => Buffer.from(part)));

describe('UBJSON', () => {
  it('has numbers of every type, big-endian', () => {
    const bytes = join('[', 'i\xff'.slice(0, 1), Buffer.of(0xff), 'U', Buffer.of(0xff), 'I', Buffer.of(1, 2));
    const rest = join('l', Buffer.of(0, 1, 0, 0), long(-3), 'd', Buffer.of(0x3f, 0xc0, 0, 0));
    expect(parseUbjson(join(bytes, rest, 'D', Buffer.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0), ']'))).toEqual([
      -1, 255, 258, 65536, -3, 1.5, 1.5,
    ]);
  });

  it('has texts, words, objects and arrays, with a count or an end', () => {
    const object = join('{', long(1), 'a', 'S', long(2), 'é', long(1), 'b', '[TFZ]', '}');
    expect(parseUbjson(object)).toEqual({ a: 'é', b: [true, false, null] });
    expect(parseUbjson(join('[#', long(2), 'TT'))).toEqual([true, true]);
    expect(parseUbjson(join('{#', long(1), long(1), 'k', 'Cx'))).toEqual({ k: 'x' });
    expect(parseUbjson(join('[$I#', long(2), Buffer.of(0, 1, 1, 0)))).toEqual(Int16Array.of(1, 256));
  });

  it('has __proto__ as a name like any other', () => {
    const parsed = parseUbjson(join('{', long(9), '__proto__', '{', long(1), 'x', 'T', '}', '}'));
    expect(Object.keys(Object(parsed))).toEqual(['__proto__']);
    expect(Object(parsed).x).toBeUndefined();
  });

  it.each<[string, Buffer, string]>([
    ['an array of numbers longer than the file', join('[$d#', long(2 ** 40), 'xxxx'), '4398046511104 bytes'],
    ['an array of values longer than the file', join('[#', long(2 ** 40), 'TTTT'), '1099511627776 elements'],
    ['an object longer than the file', join('{#', long(2 ** 40), 'TTTT'), '1099511627776 elements'],
    ['a text longer than the file', join('S', long(2 ** 40), 'TTTT'), '1099511627776 bytes'],
    ['a negative length', join('S', long(-5), 'TTTT'), '-5 bytes'],
    ['the largest length', join('[$D#', long(2n ** 63n - 1n)), 'bytes'],
    ['an array of nothing', join('[$Z#', long(2 ** 40)), 'an array of the type "Z"'],
    ['an array of a type without a length', Buffer.from('[$d'), 'an array without its length'],
    ['an unknown marker', Buffer.from('[?]'), 'the marker "?" at 1'],
    ['a million arrays within each other', Buffer.from('['.repeat(1e6)), 'more than 64 levels'],
    ['no end', Buffer.from('[TTT'), '1 bytes at 4 of 4'],
    ['nothing', Buffer.alloc(0), '1 bytes at 0 of 0'],
  ])('is refused: %s', (_, bytes, message) => {
    expect(() => parseUbjson(bytes)).toThrow(message);
  });
});
