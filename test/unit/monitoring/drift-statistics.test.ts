import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { chiSquareBound, chiSquareTail } from '../../../src/monitoring/drift/chi-square.ts';
import {
  jensenShannon,
  kolmogorovProbability,
  kolmogorovSmirnov,
  pearsonStatistic,
  stabilityIndex,
  totalOf,
} from '../../../src/monitoring/drift/divergence.ts';

interface Reference {
  readonly cases: readonly {
    readonly base: readonly number[];
    readonly current: readonly number[];
    readonly psi: number;
    readonly pearson: number;
    readonly ks: number;
    readonly ksProbability: number;
    readonly jensenShannon: number;
  }[];
  readonly quantiles: readonly { readonly share: number; readonly freedom: number; readonly quantile: number }[];
  readonly tails: readonly { readonly value: number; readonly freedom: number; readonly probability: number }[];
}

const { cases, quantiles, tails }: Reference = JSON.parse(await readFile('test/fixtures/reference/drift.json', 'utf8'));
const PRECISION = 1e-9;

/** The difference, relative to numbers above 1. */
const apart = (one: number, other: number): number => Math.abs(one - other) / Math.max(1, Math.abs(other));

describe('the figures of scipy', () => {
  it.each(cases.map((each, index) => [index, each] as const))('for histograms %i', (_index, expected) => {
    const { base, current } = expected;
    const statistic = kolmogorovSmirnov(base, current);
    expect(apart(stabilityIndex(base, current), expected.psi)).toBeLessThan(PRECISION);
    expect(apart(statistic, expected.ks)).toBeLessThan(PRECISION);
    expect(apart(pearsonStatistic(base, current), expected.pearson)).toBeLessThan(PRECISION);
    const probability = kolmogorovProbability(statistic, totalOf(base), totalOf(current));
    expect(apart(probability, expected.ksProbability)).toBeLessThan(PRECISION);
    expect(apart(jensenShannon(base, current), expected.jensenShannon)).toBeLessThan(PRECISION);
  });

  it.each(quantiles)('for the chi-squared quantile %j', ({ share, freedom, quantile }) => {
    expect(apart(chiSquareBound(1 - share, freedom), quantile)).toBeLessThan(PRECISION);
  });

  it.each(tails)('for the chi-squared tail %j', ({ value, freedom, probability }) => {
    expect(apart(chiSquareTail(value, freedom), probability)).toBeLessThan(PRECISION);
  });
});
