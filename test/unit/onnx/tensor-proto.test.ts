import { describe, expect, it } from '@jest/globals';
import { type DType, tensor } from '../../../src/core/tensor.ts';
import { type Chunks, toField, toIntegerField } from '../../../src/onnx/chunks.ts';
import { TENSOR } from '../../../src/onnx/schema.ts';
import { decodeWeights } from '../../../src/onnx/tensor-proto.ts';

const bytes = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
/** A tensor of two elements. */
const proto = (type: number, ...content: Chunks): Buffer =>
  Buffer.concat([...toIntegerField(TENSOR.dimensions, 2), ...toIntegerField(TENSOR.dataType, type), ...content]);
const raw = (view: ArrayBufferView): Chunks => toField(TENSOR.rawData, [bytes(view)]);
const read = (message: Buffer) => decodeWeights(message).read();

describe('a tensor of an ONNX file', () => {
  it.each<[DType, number, NodeJS.TypedArray]>([
    ['float32', 1, Float32Array.of(1.5, -2)],
    ['uint8', 2, Uint8Array.of(1, 255)],
    ['int8', 3, Int8Array.of(-128, 5)],
    ['uint16', 4, Uint16Array.of(1, 65_535)],
    ['int16', 5, Int16Array.of(-3, 300)],
    ['int32', 6, Int32Array.of(-3, 70_000)],
    ['int64', 7, BigInt64Array.of(-3n, 2n ** 60n)],
    ['bool', 9, Uint8Array.of(0, 1)],
    ['float64', 11, Float64Array.of(0.1, -1e300)],
    ['uint32', 12, Uint32Array.of(1, 4_294_967_295)],
    ['uint64', 13, BigUint64Array.of(1n, 2n ** 63n)],
  ])('is read from raw bytes as %s', (dtype, type, data) => {
    expect(read(proto(type, ...raw(data)))).toEqual({ dtype, shape: [2], data });
  });

  it('is read from the field of its type', () => {
    const floats = toField(TENSOR.floats, [bytes(Float32Array.of(1.5, -2))]);
    const small = [...toIntegerField(TENSOR.integers32, 7), ...toIntegerField(TENSOR.integers32, 9)];
    const packed = toField(TENSOR.integers64, [Buffer.of(7, 0xac, 0x02)]);

    expect(read(proto(1, ...floats))).toEqual(tensor('float32', [2], Float32Array.of(1.5, -2)));
    expect(read(proto(3, ...small))).toEqual(tensor('int8', [2], Int8Array.of(7, 9)));
    expect(read(proto(7, ...packed))).toEqual(tensor('int64', [2], BigInt64Array.of(7n, 300n)));
  });

  it('is read as texts', () => {
    const texts = ['one', 'zwölf'].flatMap((text) => toField(TENSOR.strings, text));

    expect(read(proto(8, ...texts))).toEqual(tensor('string', [2], ['one', 'zwölf']));
  });

  it.each([
    ['of a type that tensors here do not have', proto(16, ...raw(Uint16Array.of(1, 2)))],
    ['with elements in another file', proto(1, ...toIntegerField(TENSOR.dataLocation, 1))],
    ['with fewer elements than its sizes say', proto(1, ...raw(Float32Array.of(1)))],
  ])('is refused %s', (_what, message) => {
    expect(() => read(message)).toThrow(RangeError);
  });
});
