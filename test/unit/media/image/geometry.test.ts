import { describe, expect, it } from '@jest/globals';
import { toGeometry } from '../../../../src/media/image/geometry.ts';
import { parseImagePreprocessing } from '../../../../src/media/image/preprocessing.ts';

const plan = (fields: Record<string, unknown>) => parseImagePreprocessing({ do_rescale: true, ...fields });

/** Expected sizes are those of `transformers.image_transforms` and its DETR processor, which gives 10000×3 no height at all. */
describe('the place of an image in its tensor', () => {
  it.each([
    [451, 300, 384, 256],
    [300, 451, 256, 384],
    [333, 512, 256, 393],
    [1, 500, 256, 128_000],
    [3001, 17, 45_191, 256],
  ])(
    'brings the shorter side of %i×%i to 256, cutting the fraction of the longer one off',
    (width, height, newWidth, newHeight) => {
      const { resized } = toGeometry(plan({ size: { shortest_edge: 256 }, do_center_crop: true, crop_size: 224 }), {
        width,
        height,
      });

      expect(resized).toEqual({ width: newWidth, height: newHeight });
    },
  );

  it.each([
    [640, 480, 1066, 800],
    [2000, 500, 1333, 333],
    [500, 2000, 333, 1333],
    [100, 5000, 27, 1333],
    [10_000, 3, 1333, 1],
    [1, 60_000, 1, 1333],
  ])('keeps the longer side of %i×%i within its bound', (width, height, newWidth, newHeight) => {
    const { resized } = toGeometry(plan({ size: { shortest_edge: 800, longest_edge: 1333 } }), { width, height });

    expect(resized).toEqual({ width: newWidth, height: newHeight });
  });

  it('crops the centre, the odd pixel to the right and below', () => {
    const { visible } = toGeometry(plan({ do_resize: false, do_center_crop: true, crop_size: 4 }), {
      width: 7,
      height: 9,
    });

    expect(visible).toEqual({ left: 1, top: 2, width: 4, height: 4 });
  });

  it('puts an image smaller than its crop into the middle, the odd margin before it', () => {
    const { visible, canvas } = toGeometry(
      plan({ do_resize: false, do_center_crop: true, crop_size: { height: 6, width: 2 } }),
      {
        width: 5,
        height: 3,
      },
    );

    expect(visible).toEqual({ left: 1, top: 0, width: 2, height: 3 });
    expect(canvas).toEqual({ left: 0, top: 2, width: 2, height: 6 });
  });

  it('pads to the right and below', () => {
    const { canvas, output } = toGeometry(plan({ do_resize: false, do_pad: true, pad_size: { height: 8, width: 9 } }), {
      width: 5,
      height: 3,
    });

    expect(canvas).toEqual({ left: 0, top: 0, width: 5, height: 3 });
    expect(output).toEqual({ width: 9, height: 8 });
  });

  it.each([
    [640, 480, { width: 64, height: 48 }, { left: 0, top: 8 }],
    [480, 640, { width: 48, height: 64 }, { left: 8, top: 0 }],
    [333, 512, { width: 42, height: 64 }, { left: 11, top: 0 }],
    [512, 327, { width: 64, height: 41 }, { left: 0, top: 11 }], // the odd pixel below
    [1, 3000, { width: 1, height: 64 }, { left: 31, top: 0 }],
    [10, 5, { width: 64, height: 32 }, { left: 0, top: 16 }],
  ])('letterboxes %i×%i in the middle of grey', (width, height, resized, place) => {
    const letterbox = plan({ image_processor_type: 'LetterBoxImageProcessor', size: 64 });

    expect(toGeometry(letterbox, { width, height })).toMatchObject({
      resized,
      canvas: { ...place, width: 64, height: 64 },
      output: { width: 64, height: 64 },
      margin: 114,
    });
  });

  it.each([
    [640, 480, 1056, 800],
    [480, 640, 800, 1056],
    [2000, 500, 1328, 320],
    [1, 500, 16, 1328], // where the reference has no width left
  ])('cuts %i×%i to multiples of 16 for YOLOS', (width, height, newWidth, newHeight) => {
    const { resized } = toGeometry(plan({ image_processor_type: 'YolosImageProcessor' }), { width, height });

    expect(resized).toEqual({ width: newWidth, height: newHeight });
  });

  it.each([
    ['Detr', 40, 500, 40, 500],
    ['Yolos', 500, 40, 496, 32],
    ['Yolos', 40, 500, 32, 480],
  ])('resizes for %s an image of %i×%i whose shorter side is right already as the reference', (name, ...sides) => {
    const [width = 0, height = 0, newWidth, newHeight] = sides;
    const size = { shortest_edge: 800, longest_edge: 495 };

    const { resized } = toGeometry(plan({ image_processor_type: `${name}ImageProcessor`, size }), { width, height });

    expect(resized).toEqual({ width: newWidth, height: newHeight });
  });

  it('refuses an image larger than what it is padded to', () => {
    const padded = plan({ do_resize: false, do_pad: true, pad_size: 4 });

    expect(() => toGeometry(padded, { width: 5, height: 3 })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining('5×3') }),
    );
  });

  it('refuses a line that resizing would blow up, unless a crop keeps it small', () => {
    const line = { width: 1, height: 60_000 };
    const shortest = { size: { shortest_edge: 256 } };

    expect(() => toGeometry(plan(shortest), line)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(() => toGeometry(plan({ ...shortest, do_center_crop: true, crop_size: 224 }), line)).not.toThrow();
  });
});
