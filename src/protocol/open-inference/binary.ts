import { refuseInput } from '../../core/assert-inputs.ts';
import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import {
  bytesOf,
  type DType,
  elementBytes,
  elementCount,
  formatSpec,
  numbersOf,
  type Signature,
  type Tensor,
  tensor,
} from '../../core/tensor.ts';
import { assertInputBounds } from './bounds.ts';

/**
 * A body of JSON with the bytes of tensors behind it.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export interface BinaryBody {
  /** Empty for a body that is the bytes of the only input. */
  readonly json: Uint8Array;
  readonly binary: Uint8Array;
}

/** The header that tells where the JSON ends. It decides whether a body is binary, since clients send no content type. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/** @throws `INVALID_REQUEST` for a length that is none, or that is longer than the body */
export const splitBody = (body: Uint8Array, length: string): BinaryBody => {
  const size = /^[0-9]{1,9}$/.test(length) ? Number(length) : Number.NaN;
  if (!(size <= body.byteLength))
    return refuse(
      'INVALID_REQUEST',
      `${JSON_LENGTH_HEADER} is ${show(length)}, expected the bytes of the JSON in a body of ${body.byteLength} bytes`,
    );
  return { json: body.subarray(0, size), binary: body.subarray(size) };
};

/** Reads the bytes behind the JSON of a body, tensor by tensor. */
export interface BinaryReader {
  /** The next `size` bytes. @throws `INVALID_REQUEST` when fewer are left */
  take(name: string, size: number): Uint8Array;
  /** @throws `INVALID_REQUEST` when bytes are left */
  end(): void;
}

export const createBinaryReader = (binary: Uint8Array): BinaryReader => {
  let offset = 0;
  return {
    take(name, size) {
      const left = binary.byteLength - offset;
      if (size > left)
        refuse('INVALID_REQUEST', `input ${show(name)}: binary_data_size is ${size}, the body has ${left} bytes left`);
      offset += size;
      return binary.subarray(offset - size, offset);
    },
    end() {
      const left = binary.byteLength - offset;
      if (left > 0)
        refuse('INVALID_REQUEST', `the body has ${left} bytes more than its inputs say in binary_data_size`);
    },
  };
};

/** Bytes of the number before each string. */
const LENGTH_BYTES = 4;

const readStrings = (name: string, bytes: Uint8Array, count: number): string[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let offset = 0;
  while (offset < bytes.byteLength) {
    const left = bytes.byteLength - offset - LENGTH_BYTES;
    const size = left < 0 ? Number.POSITIVE_INFINITY : view.getUint32(offset, true);
    if (size > left) refuseInput(name, `element ${texts.length} ends behind its ${bytes.byteLength} bytes`);
    offset += LENGTH_BYTES + size;
    if (texts.length === count) refuseInput(name, `has more than the ${count} elements of its shape`);
    texts.push(decodeText(name, bytes.subarray(offset - size, offset), texts.length));
  }
  if (texts.length !== count) refuseInput(name, `has ${texts.length} elements, its shape has ${count}`);
  return texts;
};

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const decodeText = (name: string, bytes: Uint8Array, index: number): string => {
  if (bytes.includes(0)) refuseInput(name, `element ${index} has a NUL, which the runtime cannot carry`);
  try {
    return UTF_8.decode(bytes);
  } catch {
    return refuseInput(name, `element ${index} is not UTF-8; the runtime carries texts alone`);
  }
};

/**
 * A tensor of little-endian bytes, row-major. Numbers are a view of the body where its alignment allows, else one copy.
 * @throws `INVALID_INPUT` for another number of bytes than `shape` has
 */
export const fromBinary = (name: string, dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor => {
  const count = elementCount(shape);
  if (dtype === 'string') return tensor(dtype, shape, readStrings(name, bytes, count));
  const width = elementBytes(dtype);
  if (bytes.byteLength !== count * width)
    refuseInput(
      name,
      `has ${bytes.byteLength} bytes, its shape [${shape}] of ${width} bytes each has ${count * width}`,
    );
  if (dtype === 'bool' && bytes.some((byte) => byte > 1))
    refuseInput(name, 'has bytes that are no bool, expected 0 or 1');
  return tensor<DType>(dtype, shape, numbersOf(dtype, bytes, count));
};

/** The little-endian bytes of a tensor: a view of its memory for numbers. */
export const toBinary = ({ dtype, data }: Tensor): Uint8Array => {
  if (dtype !== 'string') return bytesOf(data);
  const parts = data.flatMap((text) => {
    const bytes = Buffer.from(text);
    const size = Buffer.alloc(LENGTH_BYTES);
    size.writeUInt32LE(bytes.byteLength);
    return [size, bytes];
  });
  return Buffer.concat(parts);
};

/**
 * The only input of a model, whose bytes are the body of a request without JSON. The bytes tell one variable size. A body for strings is one
 * string, without its length.
 * @throws `INVALID_REQUEST` for a model whose input cannot be told from its bytes; `INVALID_INPUT`
 */
export const rawTensor = (binary: Uint8Array, { inputs }: Signature): [name: string, tensor: Tensor] => {
  const [spec, ...others] = inputs;
  if (spec === undefined || others.length > 0)
    return refuse('INVALID_REQUEST', `the body is one tensor, the model takes ${inputs.length}: send them with JSON`);
  const { name, dtype, shape } = spec;
  if (dtype === 'string') {
    if (shape.some((size) => typeof size === 'number' && size !== 1))
      refuse('INVALID_REQUEST', `the body is one string, the model takes ${formatSpec(spec)}: send them with JSON`);
    return [
      name,
      tensor(
        dtype,
        shape.map(() => 1),
        [decodeText(name, binary, 0)],
      ),
    ];
  }
  if (shape.filter((size) => typeof size === 'string').length > 1)
    refuse('INVALID_REQUEST', `the sizes of ${formatSpec(spec)} cannot be told from its bytes: send them with JSON`);
  const fixed = shape.reduce<number>((product, size) => product * (typeof size === 'number' ? size : 1), 1);
  const rest = Math.floor(binary.byteLength / (fixed * elementBytes(dtype)));
  const sizes = shape.map((size) => (typeof size === 'number' ? size : rest));
  assertInputBounds(name, sizes);
  return [name, fromBinary(name, dtype, sizes, binary)];
};
