import { describe, expect, it } from '@jest/globals';
import type { Resample } from '../../../../src/media/image/preprocessing.ts';
import { type Pixels, resample } from '../../../../src/media/image/resample.ts';

/** One row of grey pixels. */
const row = (...levels: number[]): Pixels => ({
  width: levels.length,
  height: 1,
  data: Uint8Array.from(levels.flatMap((level) => [level, level, level])),
});

const levelsOf = ({ data }: Pixels): number[] => Array.from(data).filter((_, i) => i % 3 === 0);

const resizeRow = (pixels: Pixels, width: number, method: Resample): number[] =>
  levelsOf(resample(pixels, { width, height: 1 }, { left: 0, top: 0, width, height: 1 }, method));

/** Expected levels are those of Pillow 13: `Image.fromarray(np.uint8([row])).resize((width, 1), method)`. */
describe('resampling', () => {
  const ramp = row(0, 255, 10, 200, 90);

  it.each<[Resample, number[], number[]]>([
    ['nearest', [255, 200], [0, 0, 255, 10, 10, 200, 90, 90]],
    ['bilinear', [116, 124], [0, 112, 240, 87, 69, 188, 138, 90]],
    ['bicubic', [111, 124], [0, 113, 253, 71, 47, 196, 143, 82]],
    ['lanczos', [110, 127], [0, 123, 254, 73, 35, 194, 154, 73]],
  ])('shrinks and enlarges as Pillow does with %s', (method, shrunk, enlarged) => {
    expect(resizeRow(ramp, 2, method)).toEqual(shrunk);
    expect(resizeRow(ramp, 8, method)).toEqual(enlarged);
  });

  it.each<Resample>(['nearest', 'bilinear', 'bicubic', 'lanczos'])(
    'leaves an image of the right size as it is with %s',
    (method) => {
      expect(resizeRow(ramp, 5, method)).toEqual(levelsOf(ramp));
    },
  );

  it('computes a part as it is in the whole', () => {
    const pixels = { width: 6, height: 4, data: Uint8Array.from({ length: 72 }, (_, i) => (i * 37) % 256) };
    const size = { width: 9, height: 7 };
    const whole = resample(pixels, size, { left: 0, top: 0, ...size }, 'bicubic');
    const part = resample(pixels, size, { left: 3, top: 2, width: 4, height: 3 }, 'bicubic');

    const expected = [2, 3, 4].flatMap((y) => Array.from(whole.data.subarray((y * 9 + 3) * 3, (y * 9 + 7) * 3)));
    expect(Array.from(part.data)).toEqual(expected);
  });
});
