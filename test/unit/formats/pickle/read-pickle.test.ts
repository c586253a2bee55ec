import { describe, expect, it } from '@jest/globals';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { PyClass, PyObject, PyTuple } from '../../../../src/formats/pickle/values.ts';
import {
  asPickle,
  bytes,
  global,
  pickleOf,
  reduce,
  text,
  uint16,
  uint32,
  uint64,
} from '../../../support/pickle-assembler.ts';

describe('values of a pickle', () => {
  it.each<[string, Buffer, unknown]>([
    ['None', pickleOf('N.'), null],
    ['the truth values of protocol 0', pickleOf('(I01\nI00\nl.'), [true, false]],
    ['the truth values of protocol 2', pickleOf('(', 0x88, 0x89, 'l.'), [true, false]],
    [
      'integers in decimal',
      pickleOf('(I-7\nI+7\nL70L\nL99999999999999999999L\nl.'),
      [-7, 7, 70, 99999999999999999999n],
    ],
    ['integers in binary', pickleOf('(K', 200, 'M', uint16(60_000), 'J', uint32(-5), 'l.'), [200, 60_000, -5]],
    ['LONG1', pickleOf('(', 0x8a, 0, 0x8a, 1, 0xff, 0x8a, 2, 0xff, 0, 'l.'), [0, -1, 255]],
    ['LONG4 beyond 2^53', pickleOf(0x8b, uint32(9), uint64(0), 1, '.'), 2n ** 64n],
    [
      'floats in decimal',
      pickleOf('(F1.5\nF-2e-3\nF.5\nF7.\nFinf\nF-inf\nFnan\nl.'),
      [1.5, -0.002, 0.5, 7, Infinity, -Infinity, NaN],
    ],
    ['BINFLOAT', pickleOf('G', 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, '.'), 1.5],
    ['a text of Python 2', pickleOf(`S'it\\'s\\n\\x41\\102\\\\'\n.`), "it's\nAB\\"],
    ['BINSTRING and SHORT_BINSTRING', pickleOf('(T', uint32(1), 'a', 'U', 2, 'b\xe9', 'l.'), ['a', 'bé']],
    ['a text of protocol 0', pickleOf('V\\u20ac\\U0001f600 \xe9\n.'), '€😀 é'],
    [
      'BINUNICODE and its short and long forms',
      pickleOf('(', text('é'), 0x8c, 1, 'a', 0x8d, uint64(1), 'b', 'l.'),
      ['é', 'a', 'b'],
    ],
    [
      'bytes in each form',
      pickleOf('(', bytes(Buffer.from('a')), 'C', 1, 'b', 0x8e, uint64(1), 'c', 0x96, uint64(1), 'd', 'l.'),
      ['a', 'b', 'c', 'd'].map((each) => Buffer.from(each)),
    ],
    ['bytes of protocol 2', asPickle(reduce(global('_codecs', 'encode'), text('é'), text('latin1'))), Buffer.of(0xe9)],
  ])('%s', (_what, pickle, value) => {
    expect(readPickle(pickle)).toEqual(value);
  });
});

describe('containers of a pickle', () => {
  it.each<[string, Buffer, unknown]>([
    [
      'tuples of each length',
      pickleOf('()Kx', 0x85, 'NN', 0x86, 'NNN', 0x87, '(Ntt.'),
      new PyTuple([
        new PyTuple([]),
        new PyTuple([120]),
        new PyTuple([null, null]),
        new PyTuple([null, null, null]),
        new PyTuple([null]),
      ]),
    ],
    ['lists by APPEND and APPENDS', pickleOf(']Na(I1\nI2\ne.'), [null, 1, 2]],
    [
      'dicts by DICT, SETITEM and SETITEMS',
      pickleOf('(I1\nNdI2\nNs(I3\nNI4\nNu.'),
      new Map([1, 2, 3, 4].map((key) => [key, null])),
    ],
    ['sets', pickleOf('(', 0x8f, '(NI1\n', 0x90, '(I2\n', 0x91, 'l.'), [new Set([null, 1]), new Set([2])]],
    [
      'a dict with keys of prototypes',
      pickleOf('}(', text('__proto__'), 'N', text('constructor'), 'Nu.'),
      new Map([
        ['__proto__', null],
        ['constructor', null],
      ]),
    ],
  ])('%s', (_what, pickle, value) => {
    expect(readPickle(pickle)).toEqual(value);
  });
});

describe('the memo and the stack of a pickle', () => {
  it.each<[string, Buffer, unknown]>([
    ['PUT and GET', pickleOf('(', text('a'), 'p7\ng7\nl.'), ['a', 'a']],
    ['BINPUT and BINGET', pickleOf('(', text('a'), 'q', 7, 'h', 7, 'l.'), ['a', 'a']],
    [
      'LONG_BINPUT and LONG_BINGET',
      pickleOf('(', text('a'), 'r', uint32(70_000), 'j', uint32(70_000), 'l.'),
      ['a', 'a'],
    ],
    ['MEMOIZE numbers its values', pickleOf('(N', 0x94, text('a'), 0x94, 'h', 1, 'l.'), [null, 'a', 'a']],
    ['DUP, POP and POP_MARK', pickleOf('(N2I1\n0(NNN1l.'), [null, null]],
    ['frames', pickleOf(0x80, 4, 0x95, uint64(2), 'N.'), null],
    ['a mark that POP drops', pickleOf('N(0.'), null],
    ['READONLY_BUFFER', pickleOf('C', 1, 'a', 0x98, '.'), Buffer.from('a')],
  ])('%s', (_what, pickle, value) => {
    expect(readPickle(pickle)).toEqual(value);
  });

  it('a list may contain itself', () => {
    const list = readPickle(pickleOf(']q', 0, 'h', 0, 'a.'));
    expect(Array.isArray(list) && list[0] === list).toBe(true);
  });
});

const thing = (...args: readonly number[]): PyObject => new PyObject(new PyClass('m', 'Thing'), args);

describe('objects of a pickle', () => {
  it.each<[string, Buffer]>([
    ['REDUCE', asPickle(global('m', 'Thing'), 'I1\n', 0x85, 'R')],
    ['NEWOBJ', asPickle(global('m', 'Thing'), 'I1\n', 0x85, 0x81)],
    ['NEWOBJ_EX', asPickle(global('m', 'Thing'), 'I1\n', 0x85, '}', 0x92)],
    ['OBJ', pickleOf('(', global('m', 'Thing'), 'I1\no.')],
    ['INST', pickleOf('(I1\nim\nThing\n.')],
    ['STACK_GLOBAL', asPickle(text('m'), text('Thing'), 0x93, 'I1\n', 0x85, 'R')],
    ['copyreg.__newobj__', asPickle(global('copyreg', '__newobj__'), global('m', 'Thing'), 'I1\n', 0x86, 'R')],
  ])('%s gives an inert object of the class', (_what, pickle) => {
    expect(readPickle(pickle)).toEqual(thing(1));
  });

  it('an object of protocols 0 and 1 has no arguments', () => {
    const base = global('__builtin__', 'object');
    const pickle = pickleOf(global('copy_reg', '_reconstructor'), '(', global('m', 'Thing'), base, 'NtR.');
    expect(readPickle(pickle)).toEqual(thing());
  });

  it.each<[string, Buffer, unknown]>([
    ['a dict', pickleOf('}', text('a'), 'I1\ns'), new Map([['a', 1]])],
    [
      'a dict and slots',
      pickleOf('}', text('a'), 'I1\ns}', text('b'), 'I2\ns', 0x86),
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ],
    ['slots alone', pickleOf('N}', text('b'), 'I2\ns', 0x86), new Map([['b', 2]])],
    ['anything else', pickleOf('I1\nI2\n', 0x86), new PyTuple([1, 2])],
  ])('BUILD gives an object its state: %s', (_what, state, expected) => {
    expect(readPickle(asPickle(global('m', 'Thing'), ')', 0x81, state, 'b'))).toMatchObject({ state: expected });
  });

  it('an object of a subclass of dict or list keeps its entries and elements', () => {
    const pickle = asPickle(global('m', 'Thing'), ')', 0x81, text('a'), 'I1\ns', 'I2\na');
    expect(readPickle(pickle)).toMatchObject({ entries: new Map([['a', 1]]), elements: [2] });
  });

  it('a class stays a name, and its call an inert object', () => {
    const value = readPickle(asPickle(reduce(global('os', 'system'), text('touch canary'))));
    expect(value).toEqual(new PyObject(new PyClass('os', 'system'), ['touch canary']));
  });

  it('the call of an inert object is inert as well', () => {
    const getter = reduce(global('builtins', 'getattr'), global('m', 'Thing'), text('make'));
    const { type, args } = Object(readPickle(asPickle(getter, ')R')));
    expect([type.path, args.length, args[0].args]).toEqual([
      'builtins.getattr',
      1,
      [new PyClass('m', 'Thing'), 'make'],
    ]);
  });

  it('names of Python 2 become those of Python 3', () => {
    expect(
      readPickle(pickleOf('(', global('__builtin__', 'unicode'), global('copy_reg', 'add_extension'), 'l.')),
    ).toEqual([new PyClass('builtins', 'str'), new PyClass('copyreg', 'add_extension')]);
  });
});
