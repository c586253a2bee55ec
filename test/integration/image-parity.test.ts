import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parseImagePreprocessing } from '../../src/media/image/preprocessing.ts';
import { toTimmPreprocessing } from '../../src/source/timm.ts';
import { decodeFloats, FIXTURES, measureParity, type Parity, readJson } from '../support/image-parity.ts';
import { imageClassificationRows, LOGIT_TOLERANCE } from '../support/parity/image-classification.ts';
import { barsOnPage, toBars } from '../support/parity/page-bars.ts';
import { preprocessImage } from '../support/preprocess-image.ts';

/** Made by test/reference with Python `transformers` (PIL) and onnxruntime. */
describe('image classification against the reference', () => {
  let rows: Parity[];

  beforeAll(async () => {
    rows = await measureParity();
  });

  it('covers at least twelve pictures', () => {
    expect(rows.length).toBeGreaterThanOrEqual(12);
  });

  it('gives the logits of the reference from its pixels, as far as processors differ', () => {
    expect(rows.filter(({ logitDifference }) => !(logitDifference <= LOGIT_TOLERANCE))).toEqual([]);
  });

  it('makes the same pixels of a picture to half a level on average', () => {
    expect(rows.filter(({ meanPixelDifference }) => !(meanPixelDifference <= 0.5))).toEqual([]);
  });

  it('gives the same probabilities to 0.03 from the bytes of a picture', () => {
    expect(rows.filter(({ probabilityDifference }) => !(probabilityDifference <= 0.03))).toEqual([]);
  });

  it('gives the same first label wherever the reference is sure of it by 0.05', () => {
    const sure = rows.filter(({ margin }) => margin > 0.05);
    expect(sure.length).toBeGreaterThan(rows.length / 2);
    expect(sure.map(({ label }) => label)).toEqual(sure.map(({ expectedLabel }) => expectedLabel));
  });

  it('holds the bars of the page of the task', async () => {
    expect(toBars(imageClassificationRows(rows))).toBe(await barsOnPage('image-classification'));
  });
});

interface Case {
  readonly image: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly shape: readonly number[];
  readonly pixelValues: string;
}

const { defaults, cases } = (await readJson(path.join(FIXTURES, 'reference/image-preprocessing.json'))) as {
  defaults: Record<string, unknown>;
  cases: Case[];
};

describe('image preprocessing against the reference', () => {
  it.each(Object.entries(defaults))('knows the defaults of %s', (processor, config) => {
    expect(parseImagePreprocessing({ image_processor_type: processor })).toEqual(parseImagePreprocessing(config));
  });

  it.each(cases.map((one) => [JSON.stringify(one.config), one.image, one] as const))(
    'honours %s on %s',
    async (_config, image, one) => {
      const plan = parseImagePreprocessing(one.config);
      const tensor = await preprocessImage(await readFile(path.join(FIXTURES, 'images', image)), plan);
      const expected = decodeFloats(one.pixelValues);
      const difference = tensor.data.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? Number.NaN)), 0);
      const level = Math.max(...plan.channels.map(({ levels }) => ((levels[255] ?? 0) - (levels[0] ?? 0)) / 255));
      const isEnlarged = image.startsWith('tiny'); // without libvips, so to the last bit of a float
      expect(tensor.shape).toEqual(one.shape);
      expect(difference / expected.length / level).toBeLessThanOrEqual(isEnlarged ? 1e-5 : 0.5);
    },
  );
});

interface TimmCase {
  readonly image: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly shape: readonly number[];
  /** Which values are kept: every so many-th. */
  readonly every: number;
  readonly values: string;
}

const timm = (await readJson(path.join(FIXTURES, 'reference/timm-preprocessing.json'))) as { cases: TimmCase[] };

/** Made by test/reference/timm_preprocessing.py. */
describe('the preprocessing of timm against timm', () => {
  it.each(timm.cases.map((one) => [one.image, JSON.stringify(one.settings), one] as const))(
    'makes the values of %s by %s',
    async (image, _settings, { settings, shape, every, values }) => {
      const form = { dtype: 'float32', channels: shape[1] === 1 ? 1 : 3 } as const;
      const plan = parseImagePreprocessing(toTimmPreprocessing(settings), form);
      const tensor = await preprocessImage(await readFile(path.join(FIXTURES, 'images', image)), plan);
      const expected = decodeFloats(values);
      const kept = tensor.data.filter((_, index) => index % every === 0);
      const difference = kept.reduce((sum, value, i) => sum + Math.abs(value - (expected[i] ?? Number.NaN)), 0);
      const level = Math.max(...plan.channels.map(({ levels }) => ((levels[255] ?? 0) - (levels[0] ?? 0)) / 255));
      expect(tensor.shape).toEqual(shape);
      expect(kept).toHaveLength(expected.length);
      expect(difference / expected.length / level).toBeLessThanOrEqual(0.5);
    },
  );
});
