import { type InputDecoder, refuse } from '#contract/task';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** Element readers of the data types that are taken, by NumPy's name: little-endian floats and integers. */
const READERS: Readonly<Record<string, (view: DataView, offset: number) => number>> = {
  '<f4': (view, offset) => view.getFloat32(offset, true),
  '<f8': (view, offset) => view.getFloat64(offset, true),
  '<i4': (view, offset) => view.getInt32(offset, true),
  '|u1': (view, offset) => view.getUint8(offset),
};

/** NumPy's `.npy` files of one dimension become lists of numbers. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
export const decoder: InputDecoder = {
  mediaTypes: ['application/x-npy'],
  fileExtensions: ['.npy'],

  decode(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.byteLength < 12 || Buffer.compare(bytes.subarray(0, 6), MAGIC) !== 0)
      return refuse('INVALID_INPUT', 'the bytes are no .npy file; write one with numpy.save');
    const headerSize = view.getUint8(6) === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
    const start = (view.getUint8(6) === 1 ? 10 : 12) + headerSize;
    const header = Buffer.from(bytes.subarray(10, start)).toString('latin1');
    const [, descr = ''] = /'descr': '([^']+)'/.exec(header) ?? [];
    const [, length = ''] = /'shape': \((\d+),\)/.exec(header) ?? [];
    const read = READERS[descr];
    if (read === undefined || length === '')
      return refuse(
        'INVALID_INPUT',
        `the .npy file says ${header.trim()}, expected one dimension of ${Object.keys(READERS).join(', ')}`,
      );
    const width = Number(descr.slice(2));
    if (bytes.byteLength < start + Number(length) * width)
      return refuse('INVALID_INPUT', `the .npy file is cut short: it has ${bytes.byteLength} bytes`);
    return { inputs: Array.from({ length: Number(length) }, (_, index) => read(view, start + index * width)) };
  },
};
