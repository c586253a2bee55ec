import { describe, expect, it } from '@jest/globals';
import { createRandom } from '../../../src/core/random.ts';
import { type Classified, confusionMatrix, scoreClassification } from '../../../src/metrics/classification.ts';
import { compareScorings, pairedShares } from '../../../src/metrics/comparison.ts';
import { nearestNeighbours, scoreNeighbourLabels } from '../../../src/metrics/embeddings.ts';
import { measure, medianInterval } from '../../../src/metrics/interval.ts';
import { scoreRegression } from '../../../src/metrics/regression.ts';

/** Standard normal numbers, by Box and Muller. */
const createNormal = (seed: number): (() => number) => {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
};

const answered = (right: readonly boolean[]): Classified[] =>
  right.map((isRight, index) => ({
    truth: index % 2 ? 'a' : 'b',
    predicted: isRight === (index % 2 === 1) ? 'a' : 'b',
  }));

describe('an interval', () => {
  it('is the same for the same seed, and another for another seed', () => {
    const normal = createNormal(1);
    const scoring = scoreRegression(Array.from({ length: 50 }, () => ({ truth: normal(), predicted: normal() })));

    expect(measure(scoring)).toEqual(measure(scoring));
    expect(measure(scoring, { seed: 2 }).mae).not.toEqual(measure(scoring).mae);
  });

  it('of the bootstrap covers the true mean in about 95 of 100 samples', () => {
    const normal = createNormal(7);
    const meanError = Math.sqrt(2 / Math.PI);
    let covered = 0;
    for (let trial = 0; trial < 200; trial += 1) {
      const samples = Array.from({ length: 60 }, () => ({ truth: 0, predicted: normal() }));
      const { mae } = measure(scoreRegression(samples), { seed: trial, resamples: 200 });
      if (mae && mae.low <= meanError && meanError <= mae.high) covered += 1;
    }

    expect(covered / 200).toBeGreaterThan(0.9);
    expect(covered / 200).toBeLessThan(0.98);
  });

  it('of one sample is there, and wide for a share', () => {
    const { accuracy, macroF1 } = measure(scoreClassification(answered([true])));

    expect(accuracy?.value).toBe(1);
    expect(accuracy?.low).toBeLessThan(0.3);
    expect(macroF1).toEqual({ value: 1, low: 1, high: 1 });
  });

  it.each([
    [1, 1, 1],
    [5, 1, 5],
    [6, 1, 6],
    [10, 2, 9],
    [20, 6, 15],
    [50, 18, 33],
    [280, 124, 157], // scipy.stats.binom.ppf(0.025, 280, 0.5) is 124
    [5_000, 2_431, 2_570], // and that of 5,000 is 2,431
  ])('of the median of %i numbers lies at the ranks %i and %i', (count, low, high) => {
    const values = Array.from({ length: count }, (_, index) => count - index);
    expect(medianInterval(values)).toEqual({ low, high });
  });

  it('of the median leaves out what is no number', () => {
    expect(medianInterval([2, Number.NaN, 1, Number.POSITIVE_INFINITY])).toEqual({ low: 1, high: 2 });
    expect(medianInterval([Number.NaN])).toEqual({ low: Number.NaN, high: Number.NaN });
  });
});

describe('a paired comparison', () => {
  it('of a model with itself differs by nothing, with an interval around it', () => {
    const scoring = scoreClassification(answered(Array.from({ length: 40 }, (_, index) => index % 3 > 0)));
    const { accuracy } = compareScorings(scoring, scoring);

    expect(accuracy).toMatchObject({ difference: 0, test: { onlyFirst: 0, onlySecond: 0, exactP: 1 } });
    expect(accuracy?.low).toBeLessThan(0);
    expect(accuracy?.high).toBeGreaterThan(0);
  });

  it('finds a small loss on the same samples that the separate intervals hide', () => {
    const first = Array.from({ length: 1000 }, (_, index) => index % 4 > 0);
    const second = first.map((isRight, index) => isRight && index % 100 !== 1);
    const [before, after] = [scoreClassification(answered(first)), scoreClassification(answered(second))];
    const { accuracy } = compareScorings(before, after);

    expect(measure(after).accuracy?.high).toBeGreaterThan(measure(before).accuracy?.low ?? 1);
    expect(accuracy).toMatchObject({ first: 0.75, second: 0.74, test: { onlyFirst: 10, onlySecond: 0 } });
    expect(accuracy?.high).toBeLessThan(0);
    expect(accuracy?.test?.exactP).toBeCloseTo(2 / 1024, 12);
  });

  it('draws the same samples for both models', () => {
    const normal = createNormal(3);
    const first = Array.from({ length: 200 }, () => ({ truth: 0, predicted: normal() }));
    const second = first.map(({ truth, predicted }) => ({ truth, predicted: predicted * 1.01 }));
    const { mae } = compareScorings(scoreRegression(first), scoreRegression(second));

    expect(mae?.low).toBeGreaterThan(0);
    expect((mae?.high ?? 0) - (mae?.low ?? 0)).toBeLessThan(0.01);
  });

  it('of shares covers the true difference in at least 93 of 100 samples', () => {
    const random = createRandom(5);
    let covered = 0;
    for (let trial = 0; trial < 2000; trial += 1) {
      let [onlyFirst, onlySecond] = [0, 0];
      for (let sample = 0; sample < 100; sample += 1) {
        const drawn = random();
        if (drawn < 0.06) onlyFirst += 1;
        else if (drawn < 0.1) onlySecond += 1;
      }
      const { low, high } = pairedShares(onlyFirst, onlySecond, 100);
      if (low <= -0.02 && -0.02 <= high) covered += 1;
    }

    expect(covered / 2000).toBeGreaterThan(0.93);
  });
});

describe('labels', () => {
  it('are counted by pairs', () => {
    const samples = answered([true, true, false, true, false]);

    expect(confusionMatrix(samples)).toEqual({ b: { b: 1, a: 2 }, a: { a: 2 } });
  });

  it('of neighbours are those of the nearest other vector', () => {
    const vectors = [
      [1, 0],
      [0.9, 0.1],
      [0, 1],
      [0.1, 0.9],
    ];

    expect([...nearestNeighbours(vectors)]).toEqual([1, 0, 3, 2]);
    expect(scoreNeighbourLabels(vectors, ['a', 'a', 'b', 'a']).figures()).toEqual({ neighbourLabel: 0.5 });
  });
});
