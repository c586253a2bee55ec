import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { deadlineAt, NEVER } from '../../../../src/core/deadline.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import { parseImagePreprocessing } from '../../../../src/media/image/preprocessing.ts';
import { resizeImages } from '../../../../src/media/image/resize-image.ts';
import { preprocessImage } from '../../../support/preprocess-image.ts';

const IMAGES = path.join(import.meta.dirname, '../../../fixtures/images');
const read = (name: string): Promise<Buffer> => readFile(path.join(IMAGES, name));

/** Pixels as they are, float32[1,3,H,W] of 0 to 255. */
const AS_IT_IS = parseImagePreprocessing({ do_resize: false, do_rescale: false, do_normalize: false });
const TO_8 = parseImagePreprocessing({ size: 8, do_rescale: false, do_normalize: false });

const chunk = (type: string, content: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
};

/** A grey PNG of that size, all black unless `rows` are given as they are stored. */
const png = (width: number, height: number, rows: Uint8Array, bits = 8, ...chunks: readonly Buffer[]): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...chunks,
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

describe('decoding images', () => {
  let jpeg: Buffer;

  beforeAll(async () => {
    jpeg = await read('astronaut-512x512.jpg');
  });

  it.each<[string, ErrorCode, string, () => Buffer]>([
    ['0 bytes', 'INVALID_INPUT', '0 bytes', () => Buffer.alloc(0)],
    ['text', 'INVALID_INPUT', 'no image', () => Buffer.from('an image of a cat')],
    ['half a JPEG', 'INVALID_INPUT', 'premature end', () => jpeg.subarray(0, jpeg.length / 2)],
    ['a JPEG without its last two bytes', 'INVALID_INPUT', 'premature end', () => jpeg.subarray(0, -2)],
    ['a JPEG cut in its header', 'INVALID_INPUT', 'cannot be decoded', () => jpeg.subarray(0, 200)],
    ['a PNG with too few rows', 'INVALID_INPUT', 'cannot be decoded', () => png(64, 64, Buffer.alloc(65 * 10))],
    ['SVG', 'UNSUPPORTED_MEDIA_TYPE', 'SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    [
      'SVG after an XML declaration',
      'UNSUPPORTED_MEDIA_TYPE',
      'SVG',
      () => Buffer.from('\n<?xml version="1.0"?><svg/>'),
    ],
    [
      'SVG that pretends to be a PNG',
      'INVALID_INPUT',
      'cannot be decoded',
      () => Buffer.from('\x89PNG\r\n\x1a\n<svg/>', 'latin1'),
    ],
    ['HEIC', 'UNSUPPORTED_MEDIA_TYPE', 'HEIC', () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
    ['BigTIFF', 'UNSUPPORTED_MEDIA_TYPE', 'BigTIFF', () => Buffer.from('II+\0\x08\0\0\0', 'latin1')],
    ['a PDF', 'UNSUPPORTED_MEDIA_TYPE', 'PDF', () => Buffer.from('%PDF-1.7')],
    ['a PNG bomb', 'PAYLOAD_TOO_LARGE', '50000×50000', () => png(50_000, 50_000, Buffer.alloc(100))],
    [
      'a PNG bomb that ends with its header',
      'PAYLOAD_TOO_LARGE',
      '50000×50000',
      () => png(50_000, 50_000, Buffer.alloc(1)).subarray(0, 33),
    ],
    ['a PNG without columns', 'INVALID_INPUT', 'has 0×5 pixels, expected 1', () => png(0, 5, Buffer.alloc(5))],
    ['a PNG of one row', 'PAYLOAD_TOO_LARGE', '64000000×1', () => png(64_000_000, 1, Buffer.alloc(100))],
    ['a PNG of one column', 'PAYLOAD_TOO_LARGE', '1×64000000', () => png(1, 64_000_000, Buffer.alloc(100))],
    ['a side too long by a pixel', 'PAYLOAD_TOO_LARGE', '65536×900', () => png(65_536, 900, Buffer.alloc(100))],
    ['a line', 'INVALID_INPUT', '65000×64', () => png(65_000, 64, Buffer.alloc(100))],
    ['a line of few pixels', 'INVALID_INPUT', '1×1001', () => png(1, 1_001, Buffer.alloc(2_002))],
    ['a pixel row too many', 'PAYLOAD_TOO_LARGE', '8000×8001', () => png(8000, 8001, Buffer.alloc(100))],
  ])('refuses %s', async (_what, code, reason, bytes) => {
    await expect(preprocessImage(bytes(), TO_8)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(reason),
    });
  });

  it.each([
    ['II', 'YCbCr', 8, 6],
    ['MM', 'YCbCr', 8, 6],
    ['II', '16-bit levels whose 0 is white', 16, 0],
  ])('refuses a TIFF (%s) of %s, of which libvips makes wrong colours', async (order, samples, bits, colours) => {
    const write = (values: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer =>
      Buffer.concat(
        values.map(([bytes, value]) => {
          const number = Buffer.alloc(bytes);
          if (order === 'II') number.writeUIntLE(value, 0, bytes);
          else number.writeUIntBE(value, 0, bytes);
          return number;
        }),
      );
    const entry = ([tag, value]: readonly [number, number]) =>
      write([[2, tag], [2, 3], [4, 1], [2, value], [2, 0]]); // biome-ignore format: an entry is a line
    // Width, height, bits, no compression, kind of the colours, place of the samples, channels, rows, bytes, subsampling.
    const tags = [[256, 8], [257, 8], [258, bits], [259, 1], [262, colours], [273, 200], [277, colours === 0 ? 1 : 3], [278, 8], [279, 192]] as const; // biome-ignore format: tags are a line
    const head = Buffer.concat([Buffer.from(order), write([[2, 42], [4, 8], [2, tags.length]]), ...tags.map(entry)]); // biome-ignore format: the head is a line
    const tiff = Buffer.concat([head, Buffer.alloc(400 - head.length, 90)]);
    await expect(preprocessImage(tiff, TO_8)).rejects.toThrow(
      `has ${samples}, which is not decoded here; save it as 8-bit RGB`,
    );
  });

  it('names only the reason when an image is damaged, not what was tried on the way to it', async () => {
    const avif = await read('photo.avif');

    await expect(preprocessImage(avif.subarray(0, 9000), TO_8)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.not.stringContaining('\n'),
    });
  });

  it('forgives damage that leaves all rows readable, as Pillow does', async () => {
    const damaged = Buffer.from(jpeg);
    damaged.fill(0x5a, 20_000, 20_030);

    await expect(preprocessImage(damaged, TO_8)).resolves.toMatchObject({ shape: [1, 3, 8, 8] });
  });

  it('turns an image upright', async () => {
    const upright = await preprocessImage(await read('rgb.png'), AS_IT_IS);
    const turned = await preprocessImage(await read('orientation-6.png'), AS_IT_IS);

    expect(turned).toEqual(upright);
  });

  it('drops alpha without blending', async () => {
    const opaque = await preprocessImage(await read('rgb.png'), AS_IT_IS);
    const translucent = await preprocessImage(await read('translucent.png'), AS_IT_IS);

    expect(translucent).toEqual(opaque);
  });

  it('drops alpha without blending from an image that it shrinks a lot', async () => {
    const opaque = await preprocessImage(await read('rgb.png'), TO_8);
    const translucent = await preprocessImage(await read('translucent.png'), TO_8);

    expect(translucent).toEqual(opaque);
  });

  it('is refused with 504 when the deadline has passed', async () => {
    const late = deadlineAt(Date.now() - 1);

    await expect(resizeImages({ files: [jpeg, jpeg], isList: true }, TO_8, late)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('0 of 2 images were decoded'),
    });
  });

  it('refuses images that preprocessing enlarges beyond the pixels of a request, though they are small themselves', async () => {
    const enlarged = parseImagePreprocessing({ do_resize: false, do_center_crop: true, crop_size: 3_900 });
    const small = png(2, 1, Buffer.of(0, 10, 200));

    await expect(
      resizeImages({ files: Array.from({ length: 5 }, () => small), isList: true }, enlarged, NEVER),
    ).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('inputs[4]') });
  });

  it('cuts 16-bit levels of grey at 255, also beside a transparent level', async () => {
    const transparent = chunk('tRNS', Buffer.of(0, 10));
    const image = png(3, 1, Buffer.of(0, 0, 10, 0, 200, 1, 0), 16, transparent);

    const { data } = await preprocessImage(image, AS_IT_IS);

    expect(Array.from(data.subarray(0, 3))).toEqual([10, 200, 255]);
  });

  it.each([
    [
      'of its transparent pixels',
      'R0lGODlhAgACAPEAAMgAAACWAAAAZAkJCSH5BAEAAAIALAAAAAACAAIAAAIEDMURBQA7',
      [0, 0, 9, 200, 150, 0, 9, 0, 0, 100, 9, 0],
    ],
    [
      'around its frame',
      'R0lGODlhAwACAPEAAMgAAACWAAAAZAkJCSwBAAAAAgABAAACAgxVADs=',
      [200, 0, 0, 200, 200, 200, 0, 150, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0],
    ],
    [
      'around its frame, which are transparent',
      'R0lGODlhAwACAPEAAMgAAACWAAAAZAkJCSH5BAEAAAIALAEAAAACAAEAAAICDFUAOw==',
      [0, 0, 0, 0, 0, 0, 0, 150, 0, 0, 0, 0, 100, 0, 100, 100, 100, 100],
    ],
    [
      'around its frame, whose transparent colour lies beyond the palette',
      'R0lGODlhAwACAPEAAMgAAACWAAAAZAkJCSH5BAEAAAkALAEAAAACAAEAAAICDFUAOw==',
      [0, 0, 0, 0, 0, 0, 0, 150, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0],
    ],
  ])('gives a GIF the colours of Pillow: %s', async (_what, base64, pixels) => {
    const { data } = await preprocessImage(Buffer.from(base64, 'base64'), AS_IT_IS);

    expect(Array.from(data)).toEqual(pixels);
  });

  it('makes three equal channels of grey', async () => {
    const { shape, data } = await preprocessImage(png(2, 1, Buffer.of(0, 10, 200)), AS_IT_IS);

    expect(shape).toEqual([1, 3, 1, 2]);
    expect(Array.from(data)).toEqual([10, 200, 10, 200, 10, 200]);
  });

  it('puts black around an image smaller than its crop, and zeros where it is padded', async () => {
    const plan = parseImagePreprocessing({
      do_resize: false,
      do_center_crop: true,
      crop_size: { height: 1, width: 4 },
      do_rescale: false,
      image_mean: 5,
      image_std: 1,
      do_pad: true,
      pad_size: { height: 2, width: 5 },
    });

    const { shape, data } = await preprocessImage(png(2, 1, Buffer.of(0, 10, 200)), plan);

    expect(shape).toEqual([1, 3, 2, 5]);
    expect(Array.from(data.subarray(0, 10))).toEqual([-5, 5, 195, -5, 0, 0, 0, 0, 0, 0]);
  });

  it('decodes images of many megapixels after one that failed', async () => {
    const [width, height] = [5000, 4000];
    const whole = png(width, height, Buffer.alloc((width + 1) * height));
    const broken = png(width, height, Buffer.alloc(width));

    const outcomes = await Promise.allSettled(
      [broken, whole, broken, whole].map((bytes) => preprocessImage(bytes, TO_8)),
    );

    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  });
});
