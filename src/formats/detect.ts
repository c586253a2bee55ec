import { constants, gunzipSync, inflateSync } from 'node:zlib';
import type { ByteSource } from '../core/byte-source.ts';
import type { ImportedFormat } from './importers.ts';
import { type ProtobufKind, protobufKind } from './protobuf-kind.ts';
import type { RefusedFormat } from './refused-formats.ts';
import { zipNames } from './zip-names.ts';

/** The format of a file by its content. */
export type Format = 'onnx' | ImportedFormat | RefusedFormat;

const HEAD_BYTES = 65_536;
/** A begin that says what was compressed: enough for the first class of a pickle. */
const PACKED_BYTES = 4096;
const MOST_UNPACKED_BYTES = 8 * 1024 * 1024;

/** The first opcodes of a pickle of protocol 0 or 1: a class, or a collection. */
const OLD_PICKLE = /^(?:c[\w.]+\n\w+\n|\((?:[dl]p?\d*\n|i?c?[\w.]+\n\w+\n)|[\]}](?:q.\(|p\d+\n))/s;
const TORCH_CLASS = /torch[._](?:_utils|_tensor|storage|nn|\w*Storage)|_rebuild_tensor|[/.]torch\n/;

/** Formats by a text at a place of their files, read as Latin-1. */
const MAGIC: readonly (readonly [Format, number, string])[] = [
  ['git-lfs', 0, 'version https://git-lfs.github.com/spec/'],
  ['hdf5', 0, '\x89HDF\r\n\x1a\n'],
  ['lightgbm', 0, 'tree\nversion='],
  ['lightgbm', 0, 'tree\r\nversion='],
  ['catboost', 0, 'CBM1'],
  ['gguf', 0, 'GGUF'],
  ...['lmgg', 'fmgg', 'tjgg', 'algg'].map((begin) => ['ggml', 0, begin] as const),
  ['tflite', 4, 'TFL3'],
  ['ort', 4, 'ORTM'],
  ['tensorrt', 0, 'ftrt'],
  ['tensorrt', 0, 'ptrt'],
  ['bzip2', 0, 'BZh'],
  ['xz', 0, '\xfd7zXZ\0'],
  ['xz', 0, ']\0\0'],
  ['lz4', 0, '\x04"M\x18'],
  ...['RDX2\n', 'RDX3\n', 'RDA2\n', 'RDA3\n', 'X\n\0\0\0'].map((begin) => ['r', 0, begin] as const),
  // The length of a header of JSON, in eight bytes, of which the last three are 0.
  ['safetensors', 5, '\0\0\0{"'],
  // The number with which `torch.save` began before PyTorch 1.6.
  ['torch-legacy', 0, '\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'],
  ['xgboost-binary', 0, 'binf'],
];

const XML = /^\s*(?:<\?xml[\s\S]*?\?>\s*)?(?:<!--[\s\S]*?-->\s*)*/;
/** Formats by the first element of an XML file, or of a page. */
const ROOTS: readonly (readonly [Format, RegExp])[] = [
  ['web-page', /^<(?:!doctype html|html|head|body)\b/i],
  ['pmml', /^<PMML\b/],
  ['openvino', /^<net\b[^>]*\bversion=/],
];

/** Formats by the names of the files in a zip file; the first that has all of its names counts. */
const ZIPS: readonly (readonly [Format, readonly RegExp[]])[] = [
  ['keras', [/^config\.json$/, /^model\.weights\.h5$/]],
  ['skops', [/^schema\.json$/]],
  ['torch-script', [/^[^/]+\/constants\.pkl$/, /^[^/]+\/code\//]],
  ['torch-export', [/(?:^|\/)(?:serialized_exported_program\.json|archive_format|models\/.*\.json)$/]],
  ['torch', [/^(?:[^/]+\/)?data\.pkl$/]],
  ['torchserve', [/^MAR-INF\/MANIFEST\.json$/]],
  ['zip', [/(?:)/]],
];

const PROTOBUF: Readonly<Record<ProtobufKind, Format>> = {
  ...{ onnx: 'onnx', 'tensorflow-saved-model': 'saved-model', 'tensorflow-graph': 'frozen-graph' },
  ...{ 'core-ml': 'core-ml', paddle: 'paddle' },
};

const formatOfMagic = (head: string): Format | undefined =>
  MAGIC.find(([, place, text]) => head.startsWith(text, place))?.[0];

/** Protocols 2 to 5 begin with their number. */
const isPickle = (head: string): boolean =>
  (head[0] === '\x80' && head.charCodeAt(1) >= 2 && head.charCodeAt(1) <= 5) || OLD_PICKLE.test(head);

const formatOfPickle = (head: string): Format => {
  const isTorch = TORCH_CLASS.test(head) && !head.includes('sklearn');
  return isTorch ? 'torch-pickle' : 'pickle';
};

/** The format of what a gzip or zlib stream holds. */
const formatOfPacked = (head: Buffer): Format | undefined => {
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!isGzip && !(head[0] === 0x78 && head.byteLength > 1 && head.readUInt16BE(0) % 31 === 0)) return undefined;
  const unpack = isGzip ? gunzipSync : inflateSync;
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_UNPACKED_BYTES };
  try {
    const text = unpack(head.subarray(0, PACKED_BYTES), options).toString('latin1');
    return isPickle(text) ? formatOfPickle(text) : (formatOfMagic(text) ?? 'gzip');
  } catch {
    return undefined; // no such stream, or a bomb
  }
};

const protobufFormat = (source: ByteSource, head: Buffer): Format | undefined => {
  const kind = protobufKind(source, head);
  return kind && PROTOBUF[kind];
};

/** JSON and UBJSON of XGBoost have the same keys. */
const isXgboost = (head: string): boolean =>
  /^\s*\{/.test(head) && /"learner"|learner\{/.test(head) && /learner_model_param|gradient_booster|version/.test(head);

/** The format of XGBoost before 1.0, which names its objective among bytes. */
const isXgboostBinary = (head: string): boolean =>
  head.includes('\0') && /(?:binary|multi|reg|rank|count|survival):\w+/.test(head) && /gbtree|gblinear/.test(head);

/** Recognises a file by its bytes; undefined when it is of no format that is known. */
export const detectFormat = (source: ByteSource): Format | undefined => {
  const head = source.read(0, HEAD_BYTES);
  if (head.byteLength === 0) return 'empty';
  const text = head.toString('latin1');
  const found = formatOfMagic(text);
  if (found !== undefined) return found;
  if (isPickle(text)) return formatOfPickle(text);
  if (text.startsWith('PK')) {
    const names = zipNames(source);
    return ZIPS.find(([, files]) => files.every((file) => names.some((name) => file.test(name))))?.[0] ?? 'zip';
  }
  const element = text.replace(XML, '');
  return (
    ROOTS.find(([, root]) => root.test(element))?.[0] ??
    (isXgboost(text) ? 'xgboost' : undefined) ??
    (isXgboostBinary(text) ? 'xgboost-binary' : undefined) ??
    formatOfPacked(head) ??
    protobufFormat(source, head)
  );
};
