import { show } from '../../src/core/show.ts';
import type { DriftNow } from '../../src/monitoring/drift/judge-now.ts';
import type { DayAccuracy } from '../../src/monitoring/feedback/accuracy.ts';
import { modelLabelsPrefix } from '../../src/monitoring/feedback/store-feedback.ts';
import { formatShare, formatTable } from './format.ts';

const MOST_FEATURES = 10;

const percent = (share: number): string => formatShare(Math.round(share * 1_000) / 1_000);

/** The drift of the last hours, worst features first. */
export const formatDrift = ({ version, hours, samples, baseline, judgement, damaged }: DriftNow): string => {
  const head = `Captured answers of version ${version} in ${hours} h: ${samples}`;
  const broken = damaged
    .map(({ key, problem }) => `\n${key} is damaged, and what cannot be read is left out: ${problem}`)
    .join('');
  if (samples === 0 && baseline === undefined) return broken.trim();
  if (baseline === undefined || judgement === undefined)
    return `${head}. There is no baseline: --baseline <file|7d> makes one${broken}`;
  if (judgement.verdict === 'too few') return `${head}, too few for a verdict on drift, which needs 200${broken}`;
  const rows = Object.entries(judgement.features)
    .toSorted(([, one], [, other]) => other.drift - one.drift)
    .slice(0, MOST_FEATURES)
    .map(([name, { verdict, aspect, drift, index, bound, ks, missingShare }]) => [
      ...[name, verdict, aspect, drift.toFixed(3), index.toFixed(3), bound.toFixed(3), ks.toFixed(3)],
      percent(missingShare),
    ]);
  const header = ['FEATURE', 'VERDICT', 'ASPECT', 'DRIFT', 'INDEX', 'BOUND', 'KS', 'MISSING'];
  return `${head}, judged against ${baseline.samples}: ${judgement.verdict}\n${formatTable([header, ...rows])}${broken}`;
};

/** Lines about the labels and objects of a day's feedback that a person has to look at. */
const oddities = ({ model, day, versions, damaged }: DayAccuracy): string[] => [
  ...versions
    .filter(({ strangeLabels }) => strangeLabels.length > 0)
    .map(({ version, arm, strangeLabels }) => {
      const labels = strangeLabels.map(show).join(', ');
      return `Labels that version ${version} (${arm}) never answered on ${day}, so they count as wrong: ${labels}`;
    }),
  ...damaged
    .filter(({ key }) => key.startsWith(modelLabelsPrefix(model)))
    .map(({ key, problem }) => `${key} is damaged, and what cannot be read is left out: ${problem}`),
];

/** The accuracy of each day, version and arm that has feedback. */
export const formatAccuracy = (days: readonly DayAccuracy[]): string => {
  const rows = days.flatMap(({ day, versions }) =>
    versions
      .filter(({ labelled }) => labelled > 0)
      .map(({ version, arm, served, labelled, coverage, accuracy, macroF1, calibration, regression }) => [
        ...[day, String(version), arm, `${labelled} of ${served} (${percent(coverage)})`],
        accuracy ? `${percent(accuracy.value)} (${percent(accuracy.low)} to ${percent(accuracy.high)})` : '',
        macroF1 === undefined ? '' : macroF1.toFixed(3),
        calibration ? calibration.error.toFixed(3) : '',
        regression ? `${regression.mae.toPrecision(4)}, ${regression.rmse.toPrecision(4)}` : '',
      ]),
  );
  const unknown = days.reduce((sum, { unknown: { count } }) => sum + count, 0);
  const header = ['DAY', 'VERSION', 'ARM', 'LABELLED', 'ACCURACY (95 %)', 'F1', 'ECE', 'MAE, RMSE'];
  return [
    ...(rows.length > 0 ? [formatTable([header, ...rows])] : []),
    ...(unknown > 0 ? [`Feedback on ${unknown} predictions of which there is no record`] : []),
    ...days.flatMap(oddities),
  ].join('\n');
};

/** The drift without the histograms. */
export const driftJson = ({ baseline, counts: _counts, ...drift }: DriftNow) => ({
  ...drift,
  ...(baseline && { baseline: { samples: baseline.samples, at: baseline.at } }),
});
