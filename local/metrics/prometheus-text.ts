import { METRICS } from '../../src/lambda/metrics.ts';
import type { LoggedMetric } from './metric-lines.ts';

/** The totals of the logged metrics since the start. */
export interface MetricTotals {
  add(metric: LoggedMetric): void;
  /** In Prometheus' text format, version 0.0.4. */
  toText(): string;
}

interface Total {
  sum: number;
  count: number;
}

interface Family {
  readonly type: 'counter' | 'summary';
  readonly totals: Map<string, Total>;
}

const PREFIX = 'onnx_serverless';
const UNITS: Readonly<Record<string, string>> = { Milliseconds: '_milliseconds', Bytes: '' };
const STATISTICS: ReadonlyMap<string, string> = new Map(
  Object.entries(METRICS).map(([name, { statistic }]) => [name, statistic]),
);

/** `RunTime` in milliseconds is `onnx_serverless_run_time_milliseconds`. */
const familyName = ({ name, unit }: LoggedMetric): string => {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/\W/g, '_');
  return `${PREFIX}_${words.toLowerCase()}${UNITS[unit] ?? ''}`;
};

const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const toLabels = (dimensions: LoggedMetric['dimensions']): string => {
  const labels = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = labels.map(([name, value]) => `${name.replaceAll(/\W/g, '_')}="${escapeLabel(value)}"`).join(',');
  return text === '' ? '' : `{${text}}`;
};

const toLines = (name: string, { type, totals }: Family): string[] => {
  if (type === 'counter')
    return [`# TYPE ${name}_total counter`, ...[...totals].map(([labels, { sum }]) => `${name}_total${labels} ${sum}`)];
  const values = [...totals].flatMap(([labels, { sum, count }]) => [
    `${name}_sum${labels} ${sum}`,
    `${name}_count${labels} ${count}`,
  ]);
  return [`# TYPE ${name} summary`, ...values];
};

export const createMetricTotals = (): MetricTotals => {
  const families = new Map<string, Family>();
  return {
    add(metric) {
      const name = familyName(metric);
      const type = STATISTICS.get(metric.name) === 'Sum' ? 'counter' : 'summary';
      const family: Family = families.get(name) ?? { type, totals: new Map() };
      families.set(name, family);
      const labels = toLabels(metric.dimensions);
      const total = family.totals.get(labels) ?? { sum: 0, count: 0 };
      family.totals.set(labels, total);
      total.sum += metric.values.reduce((sum, value) => sum + value, 0);
      total.count += metric.values.length;
    },
    toText: () => [...families].map(([name, family]) => `${toLines(name, family).join('\n')}\n`).join(''),
  };
};
