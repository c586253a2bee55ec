import { isObject } from '../../src/core/is-object.ts';
import type { Evaluation } from '../../src/evaluation/evaluate.ts';
import { figureKind } from '../../src/evaluation/figures.ts';
import type { Compared } from '../../src/metrics/comparison.ts';
import type { Measured } from '../../src/metrics/interval.ts';

/** Fewer samples than these give wide intervals for every figure. */
const FEW_SAMPLES = 30;
/** Most labels that a confusion matrix shows. */
const MOST_LABELS = 12;

/** Four significant digits, and no fewer than the whole number has. NaN is a dash. */
const formatNumber = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
};

const formatDifference = (value: number): string => (value > 0 ? `+${formatNumber(value)}` : formatNumber(value));

const formatRows = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const cells = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const line = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [cells(header), `|${line.join('|')}|`, ...rows.map(cells)].join('\n');
};

const formatInterval = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `${formatNumber(low)} to ${formatNumber(high)}`;

const formatMetrics = (metrics: Readonly<Record<string, Measured>>): string =>
  formatRows(
    ['figure', 'value', '95 % interval'],
    Object.entries(metrics).map(([name, measured]) => [
      figureKind(name).title,
      formatNumber(measured.value),
      formatInterval(measured),
    ]),
  );

/** `better`, `worse`, or that the samples do not tell. */
const judgeDifference = (name: string, { low, high }: Compared): string => {
  if (!(low > 0 || high < 0)) return 'not clear';
  return low > 0 === (figureKind(name).isBetter === 'higher') ? 'better' : 'worse';
};

const formatComparison = (comparison: Readonly<Record<string, Compared>>): string =>
  formatRows(
    ['figure', 'first', 'second', 'difference', '95 % interval', 'McNemar p', 'second is'],
    Object.entries(comparison).map(([name, compared]) => [
      figureKind(name).title,
      formatNumber(compared.first),
      formatNumber(compared.second),
      formatDifference(compared.difference),
      formatInterval(compared),
      compared.test === undefined ? '' : formatNumber(compared.test.exactP),
      judgeDifference(name, compared),
    ]),
  );

/** Rows are labels, columns are answers. Nothing for many labels, which `--json` shows. */
const formatConfusion = (confusion: unknown): string[] => {
  if (!isObject(confusion)) return [];
  const rows = Object.entries(confusion)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([label, row]) => (isObject(row) ? [{ label, row }] : []));
  const labels = [...new Set(rows.flatMap(({ label, row }) => [label, ...Object.keys(row)]))].sort();
  if (labels.length > MOST_LABELS) return [`The confusion matrix has ${labels.length} labels: --json shows it.`];
  const table = formatRows(
    ['label \\ answer', ...labels],
    rows.map(({ label, row }) => [label, ...labels.map((answer) => String(row[answer] ?? 0))]),
  );
  return ['## Confusion matrix', table];
};

/** The report of an evaluation, in Markdown. */
export const formatEvaluation = (
  data: string,
  { task, samples, models, comparison, agreement }: Evaluation,
): string => {
  const few = samples < FEW_SAMPLES ? ' So few samples say little: the intervals are wide.' : '';
  const count = samples === 1 ? '1 sample' : `${samples} samples`;
  const [first, second] = models;
  return [
    `# Evaluation of ${models.map(({ name }) => name).join(' and ')}`,
    `Task ${task}, ${count} of ${data}.${few}`,
    ...(first && !second ? [formatMetrics(first.metrics), ...formatConfusion(first.details.confusion)] : []),
    ...(comparison ? [`## ${second?.name} against ${first?.name}`, formatComparison(comparison)] : []),
    ...(agreement ? ['## Agreement of their answers', formatMetrics(agreement)] : []),
  ].join('\n\n');
};
