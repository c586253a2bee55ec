import { PRICES } from '../../src/monitoring/figures/prices.ts';
import type { ModelFigures } from '../../src/monitoring/figures/read-figures.ts';
import type { VersionFigures } from '../../src/monitoring/figures/version-figures.ts';
import { quantile } from '../../src/monitoring/histogram.ts';
import type { Decision } from '../../src/monitoring/rollouts/judge-step.ts';
import type { Routing } from '../../src/repository/routing/routing.ts';
import { describeTargets } from '../options/routing-change.ts';
import { formatTable } from './format.ts';

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
/** Models may take 60 % of the memory, so that the rest has to lie beside what is used. */
const MEMORY_RESERVE = 1.5;
const MEMORY_STEP_MB = 128;

/** Memory in MB that would do for what was used. */
const enoughMb = (usedMb: number): number => Math.ceil((usedMb * MEMORY_RESERVE) / MEMORY_STEP_MB) * MEMORY_STEP_MB;

const mostMb = ({ versions }: ModelFigures): number =>
  Math.max(0, ...[...versions.values()].map(({ memoryMb }) => memoryMb));

const perRequest = (sum: number, { requests }: VersionFigures): number => (requests === 0 ? 0 : sum / requests);

const versionJson = (version: number, figures: VersionFigures) => {
  const { requests, serverFaults, clientFaults, latencyMs, cpuMs, coldStarts, initMs, memoryMb } = figures;
  const quantiles = Object.entries(QUANTILES).map(([name, share]) => [name, quantile(latencyMs, share) ?? null]);
  return {
    ...{ version, requests, serverFaults, clientFaults },
    latencyMs: Object.fromEntries(quantiles),
    cpuMs: perRequest(cpuMs, figures),
    ...{ coldStarts, initMs: coldStarts === 0 ? null : initMs / coldStarts, memoryMb },
  };
};

const byVersion = ({ versions }: ModelFigures): [number, VersionFigures][] =>
  [...versions].sort(([one], [other]) => one - other);

/** The figures for programs. Times are milliseconds of a request on average, but for the percentiles. */
export const modelFiguresJson = (figures: ModelFigures) => {
  const usedMb = mostMb(figures);
  return {
    versions: byVersion(figures).map(([version, each]) => versionJson(version, each)),
    memory: { limitMb: figures.memoryMb ?? null, usedMb, enoughMb: usedMb === 0 ? null : enoughMb(usedMb) },
    cost: { usd: figures.cost, pricesOf: PRICES.date },
    broken: figures.broken,
  };
};

const formatMs = (ms: number | undefined): string =>
  ms === undefined ? '' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const toRow = ([version, figures]: [number, VersionFigures]): string[] => {
  const { requests, serverFaults, clientFaults, latencyMs, cpuMs, coldStarts, initMs } = figures;
  return [
    ...[version, requests, serverFaults, clientFaults].map(String),
    ...Object.values(QUANTILES).map((share) => formatMs(quantile(latencyMs, share))),
    formatMs(perRequest(cpuMs, figures)),
    coldStarts === 0 ? '0' : `${coldStarts} of ${formatMs(initMs / coldStarts)}`,
  ];
};

const HEADINGS = ['VERSION', 'REQUESTS', 'FAILED', 'REFUSED', 'P50', 'P95', 'P99', 'CPU', 'COLD STARTS'];

const describeMemory = (figures: ModelFigures): string => {
  const [usedMb, limitMb = 0] = [mostMb(figures), figures.memoryMb];
  const enough = enoughMb(usedMb);
  const advice =
    enough < limitMb
      ? `${enough} MB would do, with ${Math.round((100 * enough) / limitMb)} % of the processor`
      : 'no less would do';
  return `Memory  ${usedMb} MB of ${limitMb} MB at most: ${advice}`;
};

/** The figures for people. */
export const formatModelFigures = (
  name: string,
  time: string,
  figures: ModelFigures,
  routing: Routing,
  rollout: Decision | undefined,
): string => {
  const { versions, cost, broken } = figures;
  const lines =
    versions.size === 0
      ? [`No request reached ${name} in the last ${time}; functions write their figures once a minute`]
      : [
          formatTable([HEADINGS, ...byVersion(figures).map(toRow)]),
          '',
          describeMemory(figures),
          `Cost    $${cost.toPrecision(3)} at list prices of ${PRICES.date}: time in the functions, requests, HTTP API`,
        ];
  if (rollout) lines.push(`Canary  ${describeTargets(routing).canary}: ${rollout.action}, ${rollout.note}`);
  return [...lines, ...broken.map((key) => `Left out: ${key} cannot be read`)].join('\n');
};
