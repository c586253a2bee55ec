import { beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { NEVER } from '../../../../src/core/deadline.ts';
import { openImage } from '../../../../src/media/image/decode.ts';
import { parseImagePreprocessing } from '../../../../src/media/image/preprocessing.ts';
import { resample } from '../../../../src/media/image/resample.ts';
import { resizeImage } from '../../../../src/media/image/resize-image.ts';

const IMAGES = 'test/fixtures/images';

/** Mean and largest difference, in levels of 255, to the image that is decoded whole and resized as Pillow does. */
const differenceToPillow = async (bytes: Uint8Array, side: number): Promise<{ mean: number; largest: number }> => {
  const preprocessing = parseImagePreprocessing({
    ...{ image_processor_type: 'BitImageProcessor', resample: 3, do_center_crop: false },
    size: { height: side, width: side },
  });
  const { pixels, geometry } = await resizeImage(bytes, preprocessing, NEVER);
  const whole = await (await openImage(bytes, NEVER)).decode();
  const exact = resample(whole, geometry.resized, geometry.visible, 'bicubic');
  const differences = Array.from(exact.data, (level, i) => Math.abs(level - (pixels.data[i] ?? Number.NaN)));
  const sum = differences.reduce((total, difference) => total + difference, 0);
  return { mean: sum / differences.length, largest: Math.max(...differences) };
};

describe('a JPEG that shrinks by ten and more', () => {
  /** Part of a photo. */
  const cut = (width: number, height: number): Sharp =>
    sharp(photo, { raw: { width: 1000, height: 872, channels: 3 } }).extract({ left: 300, top: 200, width, height });
  let photo: Buffer;
  beforeAll(async () => {
    photo = await sharp(`${IMAGES}/hubble-1000x872.jpg`).raw().toBuffer();
  });

  const jpegs: readonly (readonly [name: string, jpeg: () => Sharp])[] = [
    ['chroma of half the size', () => cut(480, 400).jpeg({ quality: 90 })],
    ['chroma of the whole size', () => cut(480, 400).jpeg({ quality: 90, chromaSubsampling: '4:4:4' })],
    ['a progressive order', () => cut(480, 400).jpeg({ quality: 90, progressive: true })],
    ['one channel', () => cut(480, 400).greyscale().jpeg()],
    ['an orientation', () => cut(480, 400).withMetadata({ orientation: 6 }).jpeg()],
    ['sides that are even, and no multiples of 8', () => cut(482, 406).jpeg()],
    ['odd sides', () => cut(481, 401).jpeg()],
    ['an odd side', () => cut(480, 399).jpeg()],
    ['CMYK', () => cut(480, 400).toColourspace('cmyk').jpeg()],
  ];

  it.each(jpegs)(
    'has the pixels of Pillow to a quarter of a level, and none by more than six, with %s',
    async (_, jpeg) => {
      const { mean, largest } = await differenceToPillow(await jpeg().toBuffer(), 40);

      expect(mean).toBeLessThan(0.25);
      expect(largest).toBeLessThanOrEqual(6);
    },
  );

  it.each([8, 16, 28])('has them at %d pixels a side, too', async (side) => {
    expect((await differenceToPillow(await cut(480, 400).jpeg().toBuffer(), side)).mean).toBeLessThan(0.25);
  });
});
