import { gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib';
import { formatBytes } from '../../core/format-bytes.ts';
import { refuse } from './refuse.ts';

/** Bytes that every compressed file may have when it is inflated, the multiple of its own size beyond that, and the most of all. */
const BASE = 128e6;
const FACTOR = 50;
const MOST = 2e9;

const AGAIN = 'save it again with joblib.dump(model, path, compress=3)';
const compressed = (how: string): string =>
  `it is compressed with ${how}, expected zlib, gzip or no compression; ${AGAIN}`;

/** Files that are no pickle, by their first bytes. */
const OTHERS: readonly (readonly [magic: string, problem: string])[] = [
  ['BZh', compressed('bz2')],
  ['\xfd7zXZ\0', compressed('xz')],
  ['\x5d\0\0', compressed('lzma')],
  ['\x04\x22\x4d\x18', compressed('lz4')],
  ['ZF', `it was written by a joblib older than 0.10; load it there, and ${AGAIN} in a newer one`],
  [
    'PK\x03\x04',
    'it is a zip archive and no pickle: a file of PyTorch, Keras or skops under another name; name it .keras or .skops, or export it to ONNX',
  ],
  ['\x89HDF', 'it is an HDF5 file and no pickle; name it .h5'],
  ['\x08', 'it is an ONNX file and no pickle; name it .onnx'],
  ['<', 'it is a page of HTML or XML and no pickle; download the file itself'],
  ['{', 'it is JSON and no pickle; name it .json'],
];

const isZlib = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x78 && bytes.length > 1 && (0x7800 + (bytes[1] ?? 0)) % 31 === 0;
const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

const inflate = (bytes: Uint8Array, run: (bytes: Uint8Array, options: ZlibOptions) => Buffer): Uint8Array => {
  const maxOutputLength = Math.min(Math.max(BASE, FACTOR * bytes.length), MOST);
  try {
    return run(bytes, { maxOutputLength, chunkSize: 1 << 20 });
  } catch (error) {
    if (error instanceof RangeError)
      return refuse(
        `it has more than ${formatBytes(maxOutputLength)} when it is inflated; save it without compression`,
        error,
      );
    return refuse('its compressed content is damaged or was cut short; copy it again as a binary file', error);
  }
};

/** The bytes of a pickle that may be compressed as joblib does it. @throws `MODEL_INVALID` for other files, by name */
export const decompress = (bytes: Uint8Array): Uint8Array => {
  if (isZlib(bytes)) return inflate(bytes, inflateSync);
  if (isGzip(bytes)) return inflate(bytes, gunzipSync);
  const start = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  const other = OTHERS.find(([magic]) => start.startsWith(magic));
  return other === undefined ? bytes : refuse(other[1]);
};
