import { describe, expect, it } from '@jest/globals';
import { type HashingSettings, hashOf, toHashedTensor } from '../../../../src/media/text/hashed-terms.ts';

/** Signed hashes by scikit-learn's `murmurhash3_32`; the last one has no absolute value in 32 bits. */
const HASHES: readonly (readonly [string, number])[] = [
  ['', 0],
  ['a', 1009084850],
  ['ab', -1681926305],
  ['abc', -1277324294],
  ['good', 115441729],
  ['Äpfel', -1853355946],
  ['北京', 666955079],
  ['😀', -1095487750],
  ['\0', 1364076727],
  ['not good', -111246651],
  ['zero\u200bwidth', -362050235],
  ['aivlts3m', -2147483648],
];

const SETTINGS: HashingSettings = {
  ...{ n_features: 2, alternate_sign: true, binary: false, norm: null, dtype: 'float64' },
};

/** Words of more than a letter. */
const TERMS = ['good film good', 'an of', '', 'the film was bad bad bad'].map((text) =>
  text.split(' ').filter((word) => word !== ''),
);

/** The columns and values of each row, with the padding. */
const hash = (settings: Partial<HashingSettings>, terms: readonly (readonly string[])[] = TERMS) => {
  const { data, shape } = toHashedTensor(terms, { ...SETTINGS, ...settings });
  const numbers = Array.from(data, Number);
  const [rows = 0, width = 0] = shape;
  return Array.from({ length: rows }, (_row, row) => numbers.slice(row * width * 2, (row + 1) * width * 2));
};

describe('hashed terms', () => {
  it.each(HASHES)('have the hash of scikit-learn: %j', (term, expected) => {
    expect(hashOf(term)).toBe(expected);
  });

  it('are columns in ascending order with signed counts, and keep those that cancel each other', () => {
    expect(hash({})).toEqual([
      [1, 1, 0, 0],
      [0, 1, 1, -1],
      [0, 0, 0, 0],
      [0, -1, 1, 3],
    ]);
    expect(hash({ n_features: 1 }, [['an', 'of']])).toEqual([[0, 0]]);
    expect(hash({ n_features: 1, binary: true }, [['an', 'of']])).toEqual([[0, 1]]);
  });

  it('are divided by the norm of their row, after a binary row lost its counts', () => {
    expect(hash({ binary: true, norm: 'l1' })[3]).toEqual([0, 0.5, 1, 0.5]);
    expect(hash({ norm: 'l2' })[3]).toEqual([0, -0.31622776601683794, 1, 0.9486832980505138]);
    expect(hash({ norm: 'l2', dtype: 'float32' })[3]).toEqual([
      0,
      Math.fround(-Math.sqrt(0.1)),
      1,
      Math.fround(0.9486832980505138),
    ]);
    expect(hash({ n_features: 1, norm: 'l2' }, [['an', 'of']])).toEqual([[0, 0]]);
  });

  it('have a column also for the hash without an absolute value', () => {
    expect(hash({ n_features: 1000 }, [['aivlts3m']])).toEqual([[648, -1]]);
    expect(hash({ n_features: 1000, alternate_sign: false }, [['aivlts3m']])).toEqual([[648, 1]]);
  });
});
