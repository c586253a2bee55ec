import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { scoreClassification } from '../../../src/metrics/classification.ts';
import { mcNemar } from '../../../src/metrics/comparison.ts';
import { type Detected, scoreDetection } from '../../../src/metrics/detection.ts';
import { scoreAgreement } from '../../../src/metrics/embeddings.ts';
import { entitiesOf, scoreEntities } from '../../../src/metrics/entities.ts';
import { quantile, wilson } from '../../../src/metrics/interval.ts';
import { type LabelSets, scoreLabelSets } from '../../../src/metrics/label-sets.ts';
import { type Ranked, scoreRanking } from '../../../src/metrics/ranking.ts';
import { scoreRegression } from '../../../src/metrics/regression.ts';
import { scoreSummaries } from '../../../src/metrics/rouge.ts';
import type { Figures } from '../../../src/metrics/scoring.ts';
import { scoreTranscripts, scoreTranslations } from '../../../src/metrics/text.ts';

/** Largest difference from the reference: absolute below 1, relative above. */
const TOLERANCE = 1e-9;

/** The cases of test/reference/metrics.py and rouge.py, by metric. */
const cases = {
  ...JSON.parse(readFileSync('test/fixtures/reference/metrics.json', 'utf8')),
  ...JSON.parse(readFileSync('test/fixtures/reference/rouge.json', 'utf8')),
};
const read = <T>(metric: string): T[] => JSON.parse(inflateSync(Buffer.from(cases[metric], 'base64')).toString());

const expectClose = (actual: Figures, expected: Figures, index: number): void => {
  for (const [name, value] of Object.entries(expected)) {
    const difference = Math.abs((actual[name] ?? Number.NaN) - value) / Math.max(1, Math.abs(value));
    if (!(difference <= TOLERANCE))
      throw new Error(`case ${index}: ${name} is ${actual[name]}, the reference has ${value}`);
  }
};

const pair = <T>(truths: readonly T[], predicted: readonly T[]): { truth: T; predicted: T }[] =>
  truths.flatMap((truth, index) => {
    const answer = predicted[index];
    return answer === undefined ? [] : [{ truth, predicted: answer }];
  });

interface Case<T> {
  readonly truths: readonly T[];
  readonly predicted: readonly T[];
  readonly figures: Figures;
}

describe('figures equal those of the reference libraries', () => {
  it('classification: scikit-learn', () => {
    interface Scores {
      readonly truthScores: readonly number[];
      readonly confidences: readonly number[];
    }
    const all = read<Case<string> & Scores>('classification');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ truths, predicted, truthScores, confidences, figures }, index) => {
      const samples = pair(truths, predicted).map((sample, at) => ({
        ...sample,
        truthScore: truthScores[at],
        confidence: confidences[at],
      }));
      expectClose(scoreClassification(samples).figures(), figures, index);
    });
  });

  it('several labels of a sample: scikit-learn', () => {
    const all = read<{ samples: LabelSets[]; figures: Figures | null }>('label_sets');
    expect(all.filter(({ figures }) => figures).length).toBeGreaterThanOrEqual(50);
    all.forEach(({ samples, figures }, index) => {
      if (figures) expectClose(scoreLabelSets(samples).figures(), figures, index);
    });
  });

  it('entities: seqeval, by default and strictly IOB2', () => {
    interface Tagged {
      readonly strict: boolean;
      readonly truths: readonly string[][];
      readonly predicted: readonly string[][];
      readonly entities: readonly (readonly [string, number, number])[][];
      readonly figures: Figures | null;
    }
    const all = read<Tagged>('entities');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ strict, truths, predicted, entities, figures }, index) => {
      const find = (tags: readonly string[]) => entitiesOf(tags, { strict });
      expect(truths.map((tags) => find(tags).map(({ label, start, end }) => [label, start, end]))).toEqual(entities);
      const samples = pair(truths.map(find), predicted.map(find));
      if (figures) expectClose(scoreEntities(samples).figures(), figures, index);
    });
  });

  it('detection: pycocotools', () => {
    const all = read<{ images: Detected[]; figures: Figures | null }>('detection');
    expect(all.filter(({ figures }) => figures).length).toBeGreaterThanOrEqual(100);
    all.forEach(({ images, figures }, index) => {
      if (figures) expectClose(scoreDetection(images).figures(), figures, index);
    });
  });

  it('texts: sacrebleu and jiwer', () => {
    const all = read<Case<string>>('texts');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ truths, predicted, figures }, index) => {
      const samples = pair(truths, predicted);
      const found = { ...scoreTranslations(samples).figures(), ...scoreTranscripts(samples).figures() };
      expectClose(found, figures, index);
    });
  });

  it('summaries: rouge-score', () => {
    const all = read<Case<string>>('summaries');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ truths, predicted, figures }, index) => {
      expectClose(scoreSummaries(pair(truths, predicted)).figures(), figures, index);
    });
  });

  it('regression: scikit-learn', () => {
    const all = read<Case<number>>('regression');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ truths, predicted, figures }, index) => {
      expectClose(scoreRegression(pair(truths, predicted)).figures(), figures, index);
    });
  });

  it('ranking: scikit-learn', () => {
    const all = read<{ samples: Ranked[]; figures: Figures }>('ranking');
    expect(all.length).toBeGreaterThanOrEqual(50);
    all.forEach(({ samples, figures }, index) => {
      expectClose(scoreRanking(samples).figures(), figures, index);
    });
  });

  it('embeddings: scikit-learn', () => {
    const all = read<{ truth: number[][]; predicted: number[][]; figures: Figures }>('embeddings');
    expect(all.length).toBeGreaterThanOrEqual(50);
    all.forEach(({ truth, predicted, figures }, index) => {
      expectClose(scoreAgreement(truth, predicted).figures(), figures, index);
    });
  });

  it('intervals and tests: statsmodels, scipy and numpy', () => {
    interface Intervals extends Figures {
      readonly samples: number;
      readonly count: number;
      readonly onlyFirst: number;
      readonly onlySecond: number;
      readonly exactP: number;
      readonly midP: number;
      readonly share: number;
      readonly quantile: number;
    }
    const all = read<Intervals & { wilson: [number, number]; values: number[] }>('intervals');
    expect(all.length).toBeGreaterThanOrEqual(100);
    all.forEach(({ wilson: [low, high], values, ...one }, index) => {
      expectClose({ ...wilson(one.count, one.samples) }, { low, high }, index);
      const { exactP, midP } = one;
      expectClose({ ...mcNemar(one.onlyFirst, one.onlySecond) }, { exactP, midP }, index);
      expectClose({ quantile: quantile(values, one.share) }, { quantile: one.quantile }, index);
    });
  });
});
