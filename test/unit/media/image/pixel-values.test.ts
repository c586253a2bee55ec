import { describe, expect, it } from '@jest/globals';
import { type PlacedPixels, recyclePixelValues, toPixelValues } from '../../../../src/media/image/pixel-values.ts';

/** Red and blue, as levels and with their sign turned. */
const CHANNELS = [
  { source: 0, levels: Float32Array.from({ length: 256 }, (_, level) => level) },
  { source: 2, levels: Float32Array.from({ length: 256 }, (_, level) => -level) },
];

interface Sides {
  readonly width: number;
  readonly height: number;
}

/** An image of one pixel in the upper left of a canvas, itself in the upper left of the tensor. */
const onePixel = ([r, g, b]: readonly [number, number, number], canvas: Sides, output: Sides): PlacedPixels => {
  const one = { left: 0, top: 0, width: 1, height: 1 };
  return {
    pixels: { width: 1, height: 1, data: Uint8Array.of(r, g, b) },
    geometry: { resized: one, visible: one, canvas: { left: 0, top: 0, ...canvas }, output, margin: 9 },
  };
};

const single = { width: 1, height: 1 };

describe('pixel values', () => {
  it('of several images follow each other, in planes', () => {
    const images = [onePixel([1, 2, 3], single, single), onePixel([4, 5, 6], single, single)];

    const { data, shape } = toPixelValues(images, CHANNELS);

    expect(shape).toEqual([2, 2, 1, 1]);
    expect([...data]).toEqual([1, -3, 4, -6]);
  });

  it('have the margin around the image, and zero where they are padded, also in memory that was used before', () => {
    const image = onePixel([1, 2, 3], { width: 2, height: 1 }, { width: 3, height: 2 });
    const expected = [1, 9, 0, 0, 0, 0, -3, -9, 0, 0, 0, 0];

    const first = toPixelValues([image], CHANNELS);
    expect([...first.data].map((value) => value + 0)).toEqual(expected);
    first.data.fill(77);
    recyclePixelValues(first);
    const second = toPixelValues([image], CHANNELS);

    expect(second.data.buffer).toBe(first.data.buffer);
    expect([...second.data].map((value) => value + 0)).toEqual(expected);
  });

  it('keep memory of their own until it is given back, and get it only when it fits', () => {
    const image = onePixel([1, 2, 3], single, single);
    const first = toPixelValues([image], CHANNELS);
    const second = toPixelValues([image], CHANNELS);
    recyclePixelValues(first);

    const two = toPixelValues([image, image], CHANNELS);
    const third = toPixelValues([image], CHANNELS);
    const fourth = toPixelValues([image], CHANNELS);

    const buffers = [first, second, two, fourth].map(({ data }) => data.buffer);
    expect(new Set(buffers).size).toBe(4);
    expect(third.data.buffer).toBe(first.data.buffer);
  });
});
