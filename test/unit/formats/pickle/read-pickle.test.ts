import { describe, expect, it } from '@jest/globals';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { PyClass, PyObject } from '../../../../src/formats/pickle/values.ts';
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

describe('objects of a pickle', () => {
  it('a class stays a name, and its call an inert object', () => {
    const value = readPickle(asPickle(reduce(global('os', 'system'), text('touch /tmp/canary'))));
    expect(value).toEqual(new PyObject(new PyClass('os', 'system'), ['touch /tmp/canary']));
  });
});
