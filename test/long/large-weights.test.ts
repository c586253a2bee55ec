import { expect, it } from '@jest/globals';
import { checkModel } from '../large/check-model.ts';
import { WEIGHT_TYPES } from '../large/layered-model.ts';

const MB = 1_000_000;

it.each(WEIGHT_TYPES)(
  'a model of %s weights is pushed after an interruption, loaded from S3 in bounded memory, and evicted',
  async (type) => {
    const { fileBytes, notes } = await checkModel(type, 64 * MB);

    expect(fileBytes).toBeGreaterThan(60 * MB);
    expect(notes).toEqual([]);
  },
);
