import { describe, expect, it } from '@jest/globals';
import { fromBinary, toBinary } from '../../../src/protocol/open-inference/binary.ts';

/** Two float32 behind so many other bytes. */
const behind = (offset: number): Uint8Array => {
  const bytes = new Uint8Array(offset + 8);
  new DataView(bytes.buffer).setFloat32(offset, 1.5, true);
  new DataView(bytes.buffer).setFloat32(offset + 4, Number.NaN, true);
  return bytes.subarray(offset);
};

describe('numbers from bytes', () => {
  it.each([
    [0, true],
    [4, true],
    [64, true],
    [1, false],
    [2, false],
  ])('at byte %i of a body are a view of it: %j', (offset, isView) => {
    const bytes = behind(offset);
    const { data } = fromBinary('x', 'float32', [2], bytes);
    if (!ArrayBuffer.isView(data)) throw new Error('no numbers');
    expect(data).toEqual(Float32Array.of(1.5, Number.NaN));
    expect(data.buffer === bytes.buffer).toBe(isView);
  });

  it('are a view of the tensor when they become bytes again', () => {
    const tensor = fromBinary('x', 'float32', [2], behind(0));
    expect(ArrayBuffer.isView(tensor.data) && toBinary(tensor).buffer === tensor.data.buffer).toBe(true);
  });
});
