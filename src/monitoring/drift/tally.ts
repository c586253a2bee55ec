import type { CaptureRecord } from '../../capture/record.ts';
import { type Baseline, valuesOf } from './baseline.ts';
import { addCounts, countValues, type FeatureCounts } from './histogram.ts';

export type Histograms = Readonly<Record<string, FeatureCounts>>;

/** The histograms of records, with the bins of a baseline. A feature that a record does not have is not counted for it. */
export const countRecords = (records: readonly CaptureRecord[], { features }: Baseline): Histograms => {
  const rows = records.filter(({ status }) => status === 'ok').map(valuesOf);
  return Object.fromEntries(
    Object.entries(features).map(([name, { bins }]) => [
      name,
      countValues(
        bins,
        rows.map((row) => row[name]).filter((value) => value !== undefined),
      ),
    ]),
  );
};

/** The sum of two sets of histograms of the same bins. */
export const addHistograms = (one: Histograms, other: Histograms): Histograms =>
  Object.fromEntries(
    Object.entries(one).map(([name, counts]) => {
      const more = other[name];
      return [name, more === undefined ? counts : addCounts(counts, more)];
    }),
  );

/** The answers of a version in the bins of its baseline, without the records of which they were counted. */
export interface Tally {
  /** Undefined for a version without one: its answers are counted in no bins. */
  readonly baseline: Baseline | undefined;
  readonly samples: number;
  readonly errors: number;
  readonly counts: Histograms;
}

export const startTally = (baseline: Baseline | undefined): Tally => ({
  ...{ baseline, samples: 0, errors: 0, counts: baseline ? countRecords([], baseline) : {} },
});

/** The counts with those of further records. */
export const addRecords = ({ baseline, samples, errors, counts }: Tally, records: readonly CaptureRecord[]): Tally => {
  const answered = records.filter(({ status }) => status === 'ok').length;
  return {
    baseline,
    samples: samples + answered,
    errors: errors + records.length - answered,
    counts: baseline ? addHistograms(counts, countRecords(records, baseline)) : counts,
  };
};
