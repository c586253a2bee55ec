import { gzipSync } from 'node:zlib';
import { asPickle, bytes, global, pickleOf, reduce, text, tuple, uint32, uint64 } from '../pickle-assembler.ts';
import { pickles } from './case.ts';

const repeat = (count: number, ...pieces: readonly (Uint8Array | number | string)[]): Buffer => {
  const one = pickleOf(...pieces);
  return Buffer.alloc(count * one.length, one);
};

/** A value that holds itself twice, and so on: 2^depth values when it is written out. */
const laughs = (depth: number, pair: string): Buffer => pickleOf(text('ha'), repeat(depth, pair));

const dtype = (code: string, ...state: readonly (Uint8Array | string)[]): Buffer =>
  pickleOf(
    reduce(global('numpy', 'dtype'), text(code), 'I00\n', 'I01\n'),
    ...(state.length > 0 ? [tuple(...state), 'b'] : []),
  );

const array = (shape: Uint8Array | string, type: Uint8Array, content: Uint8Array | string): Buffer =>
  pickleOf(
    reduce(
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      tuple('I0\n'),
      bytes(Buffer.from('b')),
    ),
    tuple('I1\n', shape, type, 'I00\n', content),
    'b',
  );

const fields = (entries: Uint8Array): Buffer =>
  dtype('V8', 'I3\n', text('|'), 'N', tuple(text('a')), entries, 'I8\n', 'I1\n', 'I0\n');

/** A type whose field has the type before it, in the memo. */
const recordsIn = (depth: number): Buffer =>
  pickleOf(
    dtype('f8'),
    'q',
    0,
    '0',
    ...Array.from({ length: depth }, () =>
      pickleOf(fields(pickleOf('}', text('a'), 'h', 0, 'I0\n', 0x86, 's')), 'q', 0, '0'),
    ),
  );

const wrapper = (shape: string, type: Uint8Array, ...state: readonly (Uint8Array | string)[]): Buffer =>
  pickleOf(
    global('joblib.numpy_pickle', 'NumpyArrayWrapper'),
    ')',
    0x81,
    '}',
    text('shape'),
    tuple(shape),
    's',
    text('order'),
    text('C'),
    's',
    text('dtype'),
    type,
    's',
    ...state,
    'b',
  );

const set = global('builtins', 'set');

/** Pickles that want memory or time. */
export const BOMBS = pickles({
  'billion laughs of tuples': () => asPickle(laughs(3e5, '2\x86')),
  'billion laughs of lists': () =>
    asPickle(text('ha'), ...Array.from({ length: 100 }, () => pickleOf('q', 0, '0]h', 0, 'ah', 0, 'a'))),
  'sets of sets': () =>
    asPickle(0x8f, ...Array.from({ length: 100 }, () => pickleOf('q', 0, '0', 0x8f, '(h', 0, 'h', 0, 0x90))),
  'sets made of one large list': () =>
    asPickle('(', repeat(1e5, 'N'), 'lq', 0, '0', repeat(2000, reduce(set, 'h\0'), '0'), 'N'),
  'dicts made of one large list': () =>
    asPickle(
      '(',
      repeat(1e5, 'NN\x86'),
      'lq',
      0,
      '0',
      repeat(2000, reduce(global('collections', 'OrderedDict'), 'h\0'), '0'),
      'N',
    ),
  'texts encoded again and again': () =>
    asPickle(
      text('é'.repeat(3e5)),
      'q',
      0,
      '0',
      repeat(2000, reduce(global('_codecs', 'encode'), 'h\0', text('latin1'))),
      'N',
    ),
  'states merged again and again': () =>
    asPickle(
      '}(',
      repeat(1e5, 'NN'),
      'u}(',
      repeat(1e5, 'NN'),
      'u',
      0x86,
      'q',
      0,
      '0',
      repeat(10_000, global('m', 'A'), ')', 0x81, 'h\0b'),
      'N',
    ),
  'copies by DUP': () => asPickle(text('x'.repeat(1000)), repeat(5e6, '2')),
  'copies by GET': () => asPickle('Nq', 0, repeat(3e6, 'h\0')),
  'places of the memo': () => asPickle('N', repeat(5e6, 0x94)),
  'places of the memo far apart': () =>
    asPickle('N', Buffer.concat(Array.from({ length: 1e5 }, (_, index) => pickleOf('r', uint32(index * 40_000))))),
  'a place of the memo beyond 2^53': () => pickleOf('Np99999999999999999999\n.'),
  'empty dicts': () => asPickle(repeat(5e6, '}')),
  'empty sets': () => asPickle(repeat(5e6, 0x8f)),
  'empty lists': () => asPickle(repeat(5e6, ']')),
  classes: () => asPickle(repeat(1e6, global('a', 'b'))),
  objects: () => asPickle(global('a', 'b'), 'q', 0, '0', repeat(2e6, 'h\0)', 0x81)),
  marks: () => asPickle(repeat(5e6, '(')),
  'lists within lists': () => asPickle(repeat(1e6, ']'), repeat(999_999, 'a')),
  'tuples within tuples': () => asPickle('N', repeat(2e6, 0x85)),
  'a list in itself': () => asPickle(']q', 0, 'h', 0, 'a'),
  'a dict in itself': () => asPickle('}q', 0, 'Nh', 0, 's'),
  'a tuple in itself': () => asPickle(']q', 0, 'h', 0, 0x85, 'a'),
  'a set in itself': () => asPickle(0x8f, 'q', 0, '(h', 0, 0x90),
  'an object that is its own state': () => asPickle(global('m', 'A'), ')', 0x81, 'q', 0, 'h', 0, 'b'),
  'an array of objects that holds itself': () =>
    asPickle(']q', 0, array(tuple('I1\n'), dtype('O8'), 'h\0'), 'q', 1, 'a0h', 1),
  '__proto__ as a key': () =>
    asPickle('}(', text('__proto__'), '}', text('polluted'), 0x88, 's', text('constructor'), 'Nu'),
  '__proto__ as a state': () =>
    asPickle(global('m', 'A'), ')', 0x81, '}', text('__proto__'), '}', text('polluted'), 0x88, 'ssb'),
  'BINBYTES of 2^31': () => asPickle('B', uint32(2 ** 31)),
  'BINUNICODE of 2^32 - 1': () => asPickle('X', uint32(2 ** 32 - 1)),
  'BINUNICODE8 of 2^63': () => asPickle(0x8d, uint64(2n ** 63n)),
  'BINBYTES8 of 2^64 - 1': () => asPickle(0x8e, uint64(2n ** 64n - 1n)),
  'BYTEARRAY8 of 2^53': () => asPickle(0x96, uint64(2n ** 53n)),
  'BINSTRING of -1': () => asPickle('T', uint32(-1)),
  'FRAME of 2^63': () => asPickle(0x95, uint64(2n ** 63n)),
  'LONG1 of 255 bytes': () => asPickle(0x8a, 255, Buffer.alloc(255, 0xff)),
  'LONG4 of 100 MB': () => asPickle(0x8b, uint32(1e8)),
  'LONG4 of 5 MB': () => asPickle(0x8b, uint32(5e6), Buffer.alloc(5e6, 0x77)),
  'LONG4 of -1': () => asPickle(0x8b, uint32(-1)),
  'LONG of 10 million digits': () => pickleOf('L', Buffer.alloc(1e7, '9'), 'L\n.'),
  'INT with blanks': () => pickleOf('I  7 \n.'),
  'INT in hexadecimal': () => pickleOf('I0x7\n.'),
  'FLOAT of nan()': () => pickleOf('Fnan()\n.'),
  'FLOAT of many digits': () => pickleOf('F', Buffer.alloc(1e6, '1'), 'e5\n.'),
  'FLOAT that goes back and forth': () => pickleOf('F', '1'.repeat(1e5), 'x\n.'),
  'STRING without an end': () => pickleOf("S'", '\\'.repeat(1e6), '\n.'),
  'STRING of escapes': () => pickleOf("S'", '\\x41\\'.repeat(2e5), "'\n."),
  'UNICODE beyond its last character': () => pickleOf('V\\Uffffffff\n.'),
  'UNICODE that is half a pair': () => pickleOf('V\\ud800\n.'),
  'lines without an end': () => pickleOf('c', 'a'.repeat(5e6)),
  'STOP alone': () => pickleOf('.'),
  'STOP behind a mark': () => pickleOf('(.'),
  'a bomb of gzip': () => Buffer.concat(Array<Buffer>(60).fill(gzipSync(Buffer.alloc(1e7)))),
  'gzip within gzip': () => gzipSync(gzipSync(gzipSync(Buffer.alloc(1e6)))),
  'an array of 2^40': () => asPickle(array(tuple('L1099511627776L\n'), dtype('f8'), bytes(Buffer.alloc(8)))),
  'an array of a negative size': () => asPickle(array(tuple('I-1\n'), dtype('f8'), bytes(Buffer.alloc(8)))),
  'an array of a thousand dimensions': () =>
    asPickle(array(tuple(repeat(1000, 'J', uint32(2 ** 31 - 1)), 'I0\n'), dtype('f8'), bytes(Buffer.alloc(0)))),
  'an array of 2^40 elements without bytes': () =>
    asPickle(array(tuple('L1099511627776L\n'), dtype('U0'), bytes(Buffer.alloc(0)))),
  'an array of text beyond Unicode': () => asPickle(array(tuple('I1\n'), dtype('U1'), bytes(Buffer.alloc(4, 0xff)))),
  'an array of one text of 2 MB': () => asPickle(array(tuple('I1\n'), dtype('U500000'), bytes(Buffer.alloc(2e6)))),
  'an array of itself': () => asPickle(array(tuple('I1\n'), dtype('O8'), tuple('N'))),
  'a shape that is a dict': () => asPickle(array('}', dtype('f8'), bytes(Buffer.alloc(8)))),
  'a type that is a class': () => asPickle(array(tuple('I1\n'), global('os', 'system'), bytes(Buffer.alloc(8)))),
  'a type of objects over bytes': () => asPickle(array(tuple('I1\n'), dtype('O8'), bytes(Buffer.alloc(8)))),
  'a type whose fields lie outside': () =>
    asPickle(
      array(tuple('I1\n'), fields(pickleOf('}', text('a'), dtype('f8'), 'I9999\n', 0x86, 's')), bytes(Buffer.alloc(8))),
    ),
  'a type whose field lies before': () =>
    asPickle(
      array(tuple('I1\n'), fields(pickleOf('}', text('a'), dtype('f8'), 'I-8\n', 0x86, 's')), bytes(Buffer.alloc(8))),
    ),
  'records within records': () =>
    asPickle(recordsIn(1000), array(tuple('I1\n'), Buffer.from('h\0'), bytes(Buffer.alloc(8)))),
  'a type that is its own field': () =>
    asPickle(
      reduce(global('numpy', 'dtype'), text('V8')),
      'q',
      0,
      tuple('I3\n', text('|'), 'N', 'N', pickleOf('}', text('a'), 'h', 0, 'I0\n', 0x86, 's'), 'I8\n', 'I1\n', 'I0\n'),
      'b0',
      array(tuple('I1\n'), Buffer.from('h\0'), bytes(Buffer.alloc(8))),
    ),
  'a scalar without a type': () => asPickle(reduce(global('numpy.core.multiarray', 'scalar'), 'N', 'N')),
  'a scalar of an object that calls': () =>
    asPickle(reduce(global('numpy.core.multiarray', 'scalar'), dtype('O8'), reduce(global('os', 'system'), text('x')))),
  'a joblib array beyond the file': () => asPickle(wrapper('L1099511627776L\n', dtype('f8'))),
  'a joblib array of a size that overflows': () =>
    asPickle(wrapper(repeat(40, 'J', uint32(2 ** 31 - 1)).toString('latin1'), dtype('f8'))),
  'joblib arrays within joblib arrays': () => asPickle(repeat(1000, wrapper('I1\n', dtype('O8')), 0x80, 2)),
  'a joblib array in itself': () => asPickle(wrapper('I1\n', dtype('f8')), Buffer.alloc(8), 'q', 0, 'h', 0, 'b'),
  'a joblib array of objects that calls': () =>
    asPickle(wrapper('I1\n', dtype('O8')), asPickle(reduce(global('os', 'system'), text('x')))),
  'padding of a joblib array beyond the file': () =>
    asPickle(wrapper('I1\n', dtype('f8'), text('numpy_array_alignment_bytes'), 'I16\n', 's'), 255),
});
