import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp, { type JpegOptions } from 'sharp';
import { readOrdinaryJpegHeader } from '../../../../src/media/image/jpeg-header.ts';

const IMAGES = path.join(import.meta.dirname, '../../../fixtures/images');
const photo = (): Promise<Buffer> => readFile(path.join(IMAGES, 'astronaut-512x512.jpg'));
const jpegs = readdirSync(IMAGES).filter((name) => name.endsWith('.jpg'));
/** Of those, the ones that are not ordinary: four channels, or a camera's word on which side is up. */
const LEFT_TO_LIBVIPS = jpegs.filter((name) => /cmyk|orientation/.test(name));

describe('the header of an ordinary JPEG', () => {
  it.each(jpegs)('of %s is as libvips reads it, or left to it', async (name) => {
    const bytes = await readFile(path.join(IMAGES, name));
    const { autoOrient, depth, channels, space } = await sharp(bytes, { autoOrient: true }).metadata();

    const size = readOrdinaryJpegHeader(bytes);

    if (LEFT_TO_LIBVIPS.includes(name)) expect(size).toBeUndefined();
    else {
      expect(size).toEqual({ width: autoOrient.width, height: autoOrient.height });
      expect([depth, ['srgb', 'b-w'].includes(space), channels === 1 || channels === 3]).toEqual(['uchar', true, true]);
    }
  });

  it.each<[string, JpegOptions]>([
    ['progressive', { progressive: true }],
    ['not subsampled', { chromaSubsampling: '4:4:4' }],
    ['optimised by mozjpeg', { mozjpeg: true }],
  ])('is read when it is %s', async (_how, options) => {
    const bytes = await sharp(await photo())
      .resize(301, 7, { fit: 'fill' })
      .jpeg(options)
      .toBuffer();

    expect(readOrdinaryJpegHeader(bytes)).toEqual({ width: 301, height: 7 });
  });

  it('is read wherever the bytes lie in their memory', async () => {
    const bytes = await photo();
    const shifted = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);

    expect(readOrdinaryJpegHeader(shifted)).toEqual({ width: 512, height: 512 });
  });

  it('is left to libvips at every place where the file may end before its first scan', async () => {
    const bytes = await photo();
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));

    const read = Array.from({ length: scan }, (_, end) => readOrdinaryJpegHeader(bytes.subarray(0, end)));

    expect(read.every((size) => size === undefined)).toBe(true);
  });

  it.each<[string, number, number]>([
    ['12 bits', 4, 12],
    ['two channels', 9, 2],
    ['lossless coding', 1, 0xc3],
    ['arithmetic coding', 1, 0xc9],
    ['no height', 6, 0],
  ])('is left to libvips with %s', async (_what, offset, value) => {
    const bytes = await sharp(await photo())
      .resize(200, 100, { fit: 'fill' })
      .jpeg()
      .toBuffer();
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    bytes[frame + offset] = value;

    expect(readOrdinaryJpegHeader(bytes)).toBeUndefined();
  });
});
