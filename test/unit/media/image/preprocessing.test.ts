import { describe, expect, it } from '@jest/globals';
import { parseImagePreprocessing } from '../../../../src/media/image/preprocessing.ts';

const levelsOf = (json: unknown): (number | undefined)[] =>
  parseImagePreprocessing(json).channels.map(({ levels }) => levels[255]);

describe('preprocessor_config.json', () => {
  it('is read without a processor: fields speak for themselves, defaults are those of transformers', () => {
    const plan = parseImagePreprocessing({ size: 96 });

    expect(plan).toMatchObject({ resize: { width: 96, height: 96 }, resample: 'bilinear', crop: undefined });
    expect(levelsOf({ size: 96 })).toEqual([1, 1, 1]);
  });

  it.each(['ViTImageProcessor', 'ViTImageProcessorFast', 'ViTFeatureExtractor'])(
    'is read as written for %s',
    (type) => {
      const field = type.endsWith('Extractor') ? 'feature_extractor_type' : 'image_processor_type';

      expect(parseImagePreprocessing({ [field]: type })).toEqual(
        parseImagePreprocessing({ image_processor_type: 'ViTImageProcessor' }),
      );
    },
  );

  it('takes null for "not said", as newer files write it', () => {
    const plain = { image_processor_type: 'CLIPImageProcessor' };

    expect(parseImagePreprocessing({ ...plain, do_pad: null, pad_size: null, resample: null })).toEqual(
      parseImagePreprocessing(plain),
    );
  });

  it('reads a bare size as the processor does: every side, or the shorter one', () => {
    const resizeOf = (type: string) => parseImagePreprocessing({ image_processor_type: type, size: 100 }).resize;

    expect(resizeOf('ViTImageProcessor')).toEqual({ width: 100, height: 100 });
    expect(resizeOf('BitImageProcessor')).toEqual({ shortest: 100, longest: undefined });
    expect(resizeOf('DetrImageProcessor')).toEqual({ shortest: 100, longest: 1333 });
  });

  it('normalises each channel by its own mean and deviation, before the channels are flipped', () => {
    const config = { size: 8, image_mean: [0, 0.5, 1], image_std: [1, 0.5, 0.25] };

    expect(levelsOf(config)).toEqual([1, 1, 0]);
    expect(levelsOf({ ...config, do_flip_channel_order: true })).toEqual([0, 1, 1]);
  });

  it('takes one mean for all channels', () => {
    expect(levelsOf({ size: 8, image_mean: 0, image_std: 0.5 })).toEqual([2, 2, 2]);
  });

  it('takes a height and a width as a list, which transformers reads so', () => {
    const { resize, crop } = parseImagePreprocessing({ size: [6, 8], do_center_crop: true, crop_size: [4, 5] });

    expect([resize, crop]).toEqual([
      { width: 8, height: 6 },
      { width: 5, height: 4 },
    ]);
  });

  it('has one channel for a graph of grey images, with a mean of its own', () => {
    const grey = { dtype: 'float32', channels: 1 } as const;
    const greyLevels = (config: Record<string, unknown>) =>
      parseImagePreprocessing({ size: 8, ...config }, grey).channels.map(({ source, levels }) => [source, levels[255]]);

    expect(greyLevels({ image_mean: [0], image_std: [0.5] })).toEqual([['grey', 2]]);
    expect(greyLevels({ image_mean: 0, image_std: 0.25, do_flip_channel_order: true })).toEqual([['grey', 4]]);
    expect(greyLevels({})).toEqual([['grey', 1]]); // three equal values of the processor
    expect(() => greyLevels({ image_mean: [0.1, 0.2, 0.3] })).toThrow(
      '"image_mean" is [0.1,0.2,0.3], the graph takes grey images',
    );
  });

  it('leaves levels as they are for a graph of integers', () => {
    const { channels } = parseImagePreprocessing({ size: 8, do_normalize: true }, { dtype: 'uint8', channels: 3 });

    expect(channels.map(({ levels }) => levels[114])).toEqual([114, 114, 114]);
  });

  it.each<[string, string, Record<string, unknown>]>([
    [
      'an unknown processor',
      '"image_processor_type" is "DonutImageProcessor"',
      { image_processor_type: 'DonutImageProcessor' },
    ],
    ['a filter Pillow has but no model uses', '"resample" is 5', { size: 8, resample: 5 }],
    ['a size of zero', '"size" is 0', { size: 0 }],
    ['half a size', '"size" is {"height":224}', { size: { height: 224 } }],
    ['a size by the longer side alone', '"size" is {"longest_edge":512}', { size: { longest_edge: 512 } }],
    ['no size to resize to', '"size" is undefined', {}],
    ['no size to crop to', '"crop_size" is undefined', { size: 8, do_center_crop: true }],
    [
      'a crop by the shorter side',
      '"crop_size" is {"shortest_edge":8}',
      { size: 8, do_center_crop: true, crop_size: { shortest_edge: 8 } },
    ],
    ['two means', '"image_mean" is [0.5,0.5]', { size: 8, image_mean: [0.5, 0.5] }],
    ['a switch that is text', '"do_rescale" is "yes"', { size: 8, do_rescale: 'yes' }],
    ['a step that is not done here', '"do_pan_and_scan" is true', { size: 8, do_pan_and_scan: true }],
    ['sides to be a multiple of something', '"size_divisor" is 32', { size: 8, size_divisor: 32 }],
    ['an unknown order of channels', '"data_format" is "rows"', { size: 8, data_format: 'rows' }],
    ['three sides', '"size" is [8,8,3]', { size: [8, 8, 3] }],
  ])('refuses %s, naming field and value', (_what, named, json) => {
    expect(() => parseImagePreprocessing(json)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(named) }),
    );
  });

  it.each([[undefined], [null], ['{}'], [[]]])('refuses %j in its place', (json) => {
    expect(() => parseImagePreprocessing(json)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });

  it('ignores switches that only labels or boxes know', () => {
    expect(() =>
      parseImagePreprocessing({ size: 8, do_reduce_labels: true, do_convert_annotations: true }),
    ).not.toThrow();
  });

  it('takes a step that is null for one that is not done, as transformers does', () => {
    const file = { image_processor_type: 'CLIPImageProcessor', do_center_crop: null, do_normalize: null };

    expect(parseImagePreprocessing(file).crop).toBeUndefined();
    expect(levelsOf(file)).toEqual([1, 1, 1]);
  });

  it('passes over steps that the processor of the file does not have, as transformers does', () => {
    const steps = { do_center_crop: true, crop_size: 4, do_flip_channel_order: true, do_pad: true, pad_size: 9 };
    const file = { image_processor_type: 'ViTImageProcessor', size: 8 };

    expect(parseImagePreprocessing({ ...file, ...steps })).toEqual(parseImagePreprocessing(file));
    expect(parseImagePreprocessing({ size: 8, ...steps })).not.toEqual(parseImagePreprocessing({ size: 8 }));
  });
});
