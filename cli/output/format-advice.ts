import type { Advice, Measurement } from '../../src/advise/advise-model.ts';
import type { Estimate } from '../../src/advise/estimate.ts';
import { ARCHITECTURES, type Architecture, type Profile } from '../../src/advise/profile.ts';
import { type MonthlyCost, SERVICES } from '../../src/advise/services.ts';
import { formatBytes, formatLambdaMb } from '../../src/core/format-bytes.ts';
import { formatTable } from './format.ts';

/** The sizes that the tables and charts show; `--json` has all of them. */
export const SHOWN_MB: readonly number[] = [512, 1024, 1769, 2048, 3072, 3538, 5307, 7076, 8845, 10_240];
const BAR_WIDTH = 24;
/** Names of prices in a line. */
const NAMES_PER_LINE = 5;
/** Marks numbers that nobody measured. */
const MARK = '*';

/** Two significant digits below 10, whole milliseconds above. */
export const formatMs = (ms: number): string => `${ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)} ms`;

export const formatDollars = (dollars: number): string =>
  `$${dollars >= 1000 ? Math.round(dollars).toLocaleString('en') : dollars.toFixed(2)}`;

const formatCount = (count: number): string => Number(count.toPrecision(2)).toLocaleString('en');

const measuredTable = (profiles: readonly Profile[]): string =>
  formatTable([
    ['version', '', 'threads', 'CPU p50', 'CPU p95', 'peak memory', 'download', 'create', 'first run'],
    ...profiles.flatMap(({ version, description, threads, downloadBytes }) =>
      threads.map((profile) => [
        String(version),
        description,
        String(profile.threads),
        formatMs(profile.cpuMs.p50),
        formatMs(profile.cpuMs.p95),
        formatLambdaMb(profile.peakBytes),
        formatBytes(downloadBytes),
        formatMs(profile.createMs),
        formatMs(profile.firstMs),
      ]),
    ),
  ]);

/** An estimate for the other architecture, of equal size and version. */
export const otherArchitecture = (estimates: readonly Estimate[], { version, memoryMb, architecture }: Estimate) =>
  estimates.find(
    (each) => each.version === version && each.memoryMb === memoryMb && each.architecture !== architecture,
  );

const barOf = (value: number, most: number): string =>
  '█'.repeat(Math.max(1, Math.round((value / most) * BAR_WIDTH))).padEnd(BAR_WIDTH);

/** The sizes of one version, with a bar for the latency. */
const sizesTable = (estimates: readonly Estimate[], version: number, measured: Architecture): string => {
  const rows = estimates.filter(
    (each) => each.version === version && each.architecture === measured && SHOWN_MB.includes(each.memoryMb),
  );
  const most = Math.max(...rows.map(({ latencyMs }) => latencyMs.p95));
  const other = ARCHITECTURES.find((each) => each !== measured) ?? measured;
  return formatTable([
    [`version ${version}`, 'p50', 'p95', '', 'cold start', `${measured}, $ per million`, `${other}${MARK}`, ''],
    ...rows.map((row) => {
      const mark = row.unmeasured === undefined ? '' : MARK;
      return [
        `${row.memoryMb} MB`,
        formatMs(row.latencyMs.p50) + mark,
        formatMs(row.latencyMs.p95) + mark,
        barOf(row.latencyMs.p95, most),
        formatMs(row.coldMs),
        formatDollars(row.dollarsPerMillion) + mark,
        formatDollars(otherArchitecture(estimates, row)?.dollarsPerMillion ?? Number.NaN) + MARK,
        row.problem ?? '',
      ];
    }),
  ]);
};

const describeLimits = ({ p95Ms, coldMs }: Advice['limits']): string => {
  const limits = [
    ...(p95Ms === undefined ? [] : [`a p95 of ${p95Ms} ms`]),
    ...(coldMs === undefined ? [] : [`a cold start of ${coldMs} ms`]),
  ];
  return limits.length === 0 ? '' : ` within ${limits.join(' and ')}`;
};

/** `version 2 on 512 MB of x86_64: p95 1.2 ms, cold start 400 ms, $0.21 per million requests`. */
export const describeEstimate = ({ version, memoryMb, architecture, latencyMs, coldMs, dollarsPerMillion }: Estimate) =>
  `version ${version} on ${memoryMb} MB of ${architecture}: p95 ${formatMs(latencyMs.p95)}, cold start ${formatMs(coldMs)}, ` +
  `${formatDollars(dollarsPerMillion)} per million requests`;

/** The answer in a line or two. */
export const describeChoice = ({
  estimates,
  limits,
  choice,
  faster,
  closest,
}: Pick<Advice, 'estimates' | 'limits' | 'choice' | 'faster' | 'closest'>): string => {
  if (choice === undefined) {
    const nearest =
      closest === undefined ? 'The model fits no function' : `The closest is ${describeEstimate(closest)}`;
    return `No function keeps${describeLimits(limits).replace(' within', '')}. ${nearest}`;
  }
  const other = otherArchitecture(estimates, choice);
  const there =
    other?.unmeasured === undefined
      ? ''
      : `\n${other.architecture} would cost ${formatDollars(other.dollarsPerMillion)}, were it as fast${MARK}`;
  const more = faster === undefined ? '' : `\nFaster for at most 5 % more: ${describeEstimate(faster)}`;
  return `Cheapest${describeLimits(limits)}: ${describeEstimate(choice)}${more}${there}`;
};

const servicesTable = (services: readonly MonthlyCost[]): string => {
  const least = Math.min(...services.map(({ dollarsPerMonth }) => dollarsPerMonth));
  return formatTable([
    ['service', 'size', '$ a month', 'cheaper than Lambda from', ''],
    ...services.map(({ service, size, dollarsPerMonth, breakEven }) => [
      SERVICES[service].title + (service.startsWith('lambda') || service === 'provisioned' ? '' : MARK),
      size,
      formatDollars(dollarsPerMonth),
      breakEven === undefined ? (service === 'lambda' ? '' : 'never') : `${formatCount(breakEven)} a day`,
      dollarsPerMonth === least ? 'cheapest' : '',
    ]),
  ]);
};

/** A warning of prices that may have changed. */
export const describeOldPrices = ({ oldPrices }: Pick<Advice, 'oldPrices'>): string[] =>
  oldPrices.length === 0
    ? []
    : [
        'Prices last seen more than a year ago; look them up, and give --price <name>=<dollars>:',
        ...Array.from(
          { length: Math.ceil(oldPrices.length / NAMES_PER_LINE) },
          (_, line) => `  ${oldPrices.slice(line * NAMES_PER_LINE, (line + 1) * NAMES_PER_LINE).join(', ')}`,
        ),
      ];

/** The advice for people: the measurement, the sizes, the choice, and the services. */
export const formatAdvice = (measurement: Measurement, advice: Advice): string => {
  const { name, data, samples, processor, runtime, architecture, profiles } = measurement;
  const { traffic, services } = advice;
  const of = data === undefined ? 'a blank input; --data names samples' : `${samples} samples of ${data}`;
  return [
    `${name} on ${of}\n${processor}, onnxruntime ${runtime}`,
    measuredTable(profiles),
    ...profiles.map(({ version }) => sizesTable(advice.estimates, version, architecture)),
    describeChoice(advice),
    ...(services.length === 0
      ? []
      : [
          `${formatCount(traffic.requestsPerDay)} requests a day, ${formatCount(traffic.burst)} a second at most:\n${servicesTable(services)}`,
        ]),
    [
      `${MARK} not measured: taken to be as fast as the same number of vCPUs here. Latencies are computed from CPU time.`,
      ...describeOldPrices(advice),
    ].join('\n'),
  ].join('\n\n');
};

/** The advice of a measurement of a deployed function. */
export const formatDeployed = (advice: Advice): string =>
  [
    formatTable([
      ['memory', 'p50', 'p95', 'cold start', '$ per million', ''],
      ...advice.estimates.map(({ memoryMb, latencyMs, coldMs, dollarsPerMillion, problem }) => [
        `${memoryMb} MB`,
        formatMs(latencyMs.p50),
        formatMs(latencyMs.p95),
        formatMs(coldMs),
        formatDollars(dollarsPerMillion),
        problem ?? '',
      ]),
    ]),
    [describeChoice(advice), ...describeOldPrices(advice)].join('\n'),
  ].join('\n\n');
