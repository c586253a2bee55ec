import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { asPickle, global, pickleOf, text, uint32, uint64 } from '../../../support/pickle-assembler.ts';

const MODEL = readFileSync('test/fixtures/formats/pickle/scikit-learn-1.9.1/model.pkl');
const SKOPS = readFileSync('test/fixtures/formats/pickle/scikit-learn-1.9.1/vectorizer.skops');
const ONNX = readFileSync('test/fixtures/models/add.onnx');

describe('a file that is refused', () => {
  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'it was cut short: 1 bytes are expected at byte 0'],
    [
      'a model without its end',
      MODEL.subarray(0, -100),
      'it was cut short: 100 bytes are missing at its end; copy it again',
    ],
    ['buffers outside of the file', pickleOf(0x80, 5, 0x97, '.'), '(NEXT_BUFFER); save it without buffer_callback'],
    ['a later protocol', pickleOf(0x80, 6, 'N.'), 'it has pickle protocol 6, expected 0 to 5'],
    ['a page', Buffer.from('<!DOCTYPE html>'), 'it is a page of HTML or XML and no pickle; download the file itself'],
    [
      'text',
      Buffer.from('Dear reader,\nhello'),
      'it is no pickle of protocol 2 to 5; as one of 0 or 1, it is damaged: opcode 0x44',
    ],
    ['JSON', Buffer.from('{"a": 1}'), 'it is JSON and no pickle'],
    ['a zip archive', SKOPS, 'it is a zip archive and no pickle'],
    ['an ONNX file', ONNX, 'it is an ONNX file and no pickle; name it .onnx'],
    ['an HDF5 file', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), 'it is an HDF5 file and no pickle; name it .h5'],
    ['two models', Buffer.concat([MODEL, MODEL]), `${MODEL.length} bytes follow the first pickle; expected one model`],
    [
      'bz2',
      Buffer.from('BZh91AY&SY'),
      'it is compressed with bz2, expected zlib, gzip or no compression; save it again with joblib.dump(model, path, compress=3)',
    ],
    ['xz', Buffer.from('\xfd7zXZ\0\0', 'latin1'), 'it is compressed with xz'],
    ['lzma', Buffer.from('\x5d\0\0\x80\0', 'latin1'), 'it is compressed with lzma'],
    ['lz4', Buffer.from('\x04\x22\x4d\x18', 'latin1'), 'it is compressed with lz4'],
    [
      'arrays in further files',
      asPickle(global('joblib.numpy_pickle', 'NDArrayWrapper'), ')', 0x81),
      'its arrays lie in further files',
    ],
    ['an old joblib', Buffer.from('ZF0x1234'), 'it was written by a joblib older than 0.10'],
    ['a persistent id', asPickle('Pid\n'), 'it is a model of PyTorch'],
    ['a persistent id of protocol 1', asPickle(text('id'), 'Q'), 'it is a model of PyTorch'],
    ['a class of torch', asPickle(global('torch._utils', '_rebuild_tensor_v2')), 'export it with torch.onnx.export'],
    [
      'torch.save before 1.6',
      pickleOf(0x80, 2, 0x8a, 10, Buffer.from('6cfc9c46f9206aa85019', 'hex'), '.'),
      'it is a file of torch.save',
    ],
    ['a registered class', asPickle(0x82, 1), 'copyreg.add_extension'],
    [
      'a compressed file without its end',
      gzipSync(MODEL).subarray(0, -50),
      'its compressed content is damaged or was cut short',
    ],
    [
      'a bomb',
      deflateSync(Buffer.alloc(140e6)),
      'it has more than 128.0 MB when it is inflated; save it without compression',
    ],
    ['an unknown opcode', asPickle(0xff), 'it is damaged: opcode 0xff at byte 2'],
    ['an operation without a value', asPickle('R'), 'it is damaged: an operation finds no value'],
    ['a missing mark', asPickle('l'), 'the mark of a list is missing'],
    ['an unknown place of the memo', asPickle('h', 3), 'it refers to value 3'],
    ['a negative length', pickleOf('T', uint32(-1)), 'it was cut short: -1 bytes'],
    ['a length beyond the file', pickleOf('B', uint32(2 ** 31)), '2147483648 bytes are expected at byte 5, 0 are left'],
    ['a length of 2^63', pickleOf(0x8e, uint64(2n ** 63n)), 'bytes are expected at byte 9, 0 are left'],
    ['a number that is none', pickleOf('Fnan()\n.'), '"nan()" stands in the place of a number'],
    ['an integer that is none', pickleOf('I0x10\n.'), '"0x10" (4 characters) stands in the place of an integer'],
    ['an integer without end', pickleOf('L', '9'.repeat(1e6), '\n.'), '(1000000 characters)'],
    ['a large LONG4', pickleOf(0x8b, uint32(2 ** 20), Buffer.alloc(2 ** 20), '.'), 'an integer of 1048576 bytes'],
  ])('%s', (_what, file, message) => {
    expect(() => readPickle(file)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('memory', () => {
  it.each<[string, Buffer]>([
    ['dicts', Buffer.alloc(2e6, '}')],
    ['marks', Buffer.alloc(8e6, '(')],
    ['copies of a value', pickleOf('N', Buffer.alloc(20e6, '2'))],
    [
      'sets made of one list',
      pickleOf(
        '(',
        'N'.repeat(1e5),
        'lq',
        0,
        ...Array<Buffer>(100).fill(pickleOf(global('builtins', 'set'), 'h', 0, 0x85, 'R0')),
      ),
    ],
  ])('%s are refused before they fill it', (_what, pickle) => {
    expect(() => readPickle(pickle)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('of memory, which no model of that size needs') }),
    );
  });
});
