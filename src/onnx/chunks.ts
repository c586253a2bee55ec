import { bytesOf } from '../core/tensor.ts';

/** The bytes of a message in pieces. Weights are views of their arrays: a model is written without a copy of them. */
export type Chunks = readonly Uint8Array[];

const WIRE = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const;

const toVarint = (value: number | bigint): Uint8Array => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value)); // a negative integer is its two's complement
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) + 128);
  return Uint8Array.from([...bytes, Number(rest)]);
};

export const sizeOf = (chunks: Chunks): number => chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Tag and length of a field; its content of `sizeBytes` follows. */
export const toHeader = (number: number, sizeBytes: number): Uint8Array[] => [
  toVarint(number * 8 + WIRE.lengthDelimited),
  toVarint(sizeBytes),
];

/** A field of bytes, of a text, or of a message whose fields are `content`. */
export const toField = (number: number, content: Chunks | string): Uint8Array[] => {
  const chunks = typeof content === 'string' ? [Buffer.from(content)] : content;
  return [...toHeader(number, sizeOf(chunks)), ...chunks];
};

/** A field of an integer. */
export const toIntegerField = (number: number, value: number | bigint): Uint8Array[] => [
  toVarint(number * 8 + WIRE.varint),
  toVarint(value),
];

/** A field of a float32. */
export const toFloatField = (number: number, value: number): Uint8Array[] => [
  toVarint(number * 8 + WIRE.fixed32),
  bytesOf(Float32Array.of(value)),
];

/** Most bytes of a varint of 64 bits. */
const VARINT_BYTES = 10;

/** A packed field of integers, which may be some millions. */
export const toIntegersField = (number: number, values: ArrayLike<number | bigint>): Uint8Array[] => {
  const packed = Buffer.allocUnsafe(values.length * VARINT_BYTES);
  let end = 0;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (typeof value === 'number' && value >= 0) {
      let rest = value;
      for (; rest >= 128; rest = Math.floor(rest / 128)) packed[end++] = (rest % 128) + 128;
      packed[end++] = rest;
    } else for (const byte of toVarint(value)) packed[end++] = byte;
  }
  return toField(number, [Uint8Array.prototype.slice.call(packed, 0, end)]);
};

/** A packed field of float32. */
export const toFloatsField = (number: number, values: ArrayLike<number>): Uint8Array[] =>
  toField(number, [bytesOf(Float32Array.from(values))]);
