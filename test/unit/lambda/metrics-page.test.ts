import { readFile } from 'node:fs/promises';
import { expect, it, jest } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { startStopwatch } from '../../../src/core/stopwatch.ts';
import type { EvictionReport } from '../../../src/engine/model-cache.ts';
import type { LoadReport } from '../../../src/engine/model-loader.ts';
import { createMonitorTelemetry } from '../../../src/lambda/telemetry/monitor-telemetry.ts';
import { createTelemetry } from '../../../src/lambda/telemetry/telemetry.ts';
import type { DriftReport, RolloutReport, SpendingReport } from '../../../src/monitoring/job.ts';
import type { ShadowReport } from '../../../src/serving/compare-answers.ts';
import { type Observation, STEPS, type Step, type Telemetry } from '../../../src/serving/telemetry.ts';
import { metricsTable } from '../../support/monitoring/metrics-table.ts';

interface Line {
  readonly level?: string;
  readonly message?: string;
  readonly _aws?: { readonly CloudWatchMetrics: readonly [{ readonly Metrics: readonly Metric[] }] };
}
interface Metric {
  readonly Name: string;
  readonly Unit: string;
}

const stopwatch = startStopwatch<Step>();
for (const step of STEPS) stopwatch.lap(step);

const clientFault = new ServingError('INVALID_INPUT', 'wrong');
const serverFault = new ServingError('INTERNAL', 'broken');

/** Each figure that there is: `Required` refuses a new one that is missing here. */
const OBSERVATION: Required<Observation> = {
  ...{ requestId: 'r', gatewayRequestId: 'g', operation: 'POST /models/:name', stopwatch, model: 'm', version: 1 },
  trace: { traceId: 't', parentId: undefined, isSampled: true },
  ...{
    batchSize: 2,
    skipped: 1,
    failures: [],
    holder: 'h',
    key: 'k',
    waited: false,
    firstChunkMs: 1,
    uploads: [{ key: 'u' }],
    usage: { promptTokens: 2, answerTokens: 3 },
  },
  step: { version: 2, prefix: 'rollouts/m/2-0/', arm: 'canary' },
};
const LOAD: Required<LoadReport> = {
  ...{ model: 'm', version: 1, downloadBytes: 1, downloadMs: 1, createMs: 1, warmUpMs: 1, memoryBytes: 1 },
};
const EVICTION: Required<EvictionReport> = { model: 'm', version: 1, memoryBytes: 1 };
const SHADOW: Required<ShadowReport> = {
  ...{ model: 'm', version: 1, shadowVersion: 2, comparisons: [{ changed: true, distance: 0.5 }], failures: [] },
};

/** Everything that is reported. A new method of the telemetry does not compile before it is here. */
const REPORTS: { readonly [Method in keyof Telemetry]: readonly Parameters<Telemetry[Method]>[] } = {
  observed: [[], [clientFault], [serverFault]].map((failures) => [{ ...OBSERVATION, failures }]),
  loaded: [[LOAD]],
  evicted: [[EVICTION]],
  shadowed: [[SHADOW], [{ ...SHADOW, failures: [serverFault] }]],
  refused: [['m', 1, serverFault]],
  captureLost: [['m', 3, serverFault]],
  warned: [],
};

/** What the monitor reports. A new action of it does not compile before it is here. */
const DECISIONS: { readonly [Action in RolloutReport['action']]: RolloutReport } = {
  time: { model: 'm', version: 1, action: 'time', note: 'n' },
  raise: { model: 'm', version: 1, action: 'raise', note: 'n' },
  promote: { model: 'm', version: 1, action: 'promote', note: 'n' },
  rollback: { model: 'm', version: 1, action: 'rollback', note: 'n' },
};

const JUDGED: readonly Required<DriftReport>[] = [
  { model: 'm', samples: 300, verdict: 'ok', worst: { feature: 'f', drift: 0.01 }, drifted: [], isSilent: false },
  { model: 'm', samples: 300, verdict: 'drift', worst: { feature: 'f', drift: 0.5 }, drifted: ['f'], isSilent: true },
];

const SPENT: readonly SpendingReport[] = [1, 8, 10].map((dollars) => ({
  ...{ month: '2026-11', dollars, limitDollars: 10, isReached: dollars === 10 },
}));

/** The lines that the functions log for the reports of these methods. */
const linesOf = async (
  ...methods: readonly (keyof Telemetry | 'decided' | 'judged' | 'scored' | 'spent')[]
): Promise<Line[]> => {
  Object.assign(process.env, {
    ...{ POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' },
    ...{ POWERTOOLS_SERVICE_NAME: 'test-service', POWERTOOLS_METRICS_NAMESPACE: 'test-namespace' },
  });
  const lines: Line[] = [];
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((text: string) => lines.push(JSON.parse(text) as Line));
  const telemetry = createTelemetry({ memoryMb: 1769, directory: '.', initMs: () => 1 });
  const { decided, judged, scored, spent } = createMonitorTelemetry(async () => {});
  for (const method of methods)
    if (method === 'judged') for (const report of JUDGED) judged(report);
    else if (method === 'scored') scored({ model: 'm', accuracy: 0.9, labels: 200 });
    else if (method === 'spent') for (const report of SPENT) await spent(report);
    else if (method === 'decided') for (const report of Object.values(DECISIONS)) await decided(report);
    else for (const values of REPORTS[method]) Reflect.apply(telemetry[method], telemetry, values);
  jest.restoreAllMocks();
  return lines;
};

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)].sort();
const metricsIn = (lines: readonly Line[]): string[] =>
  distinct(
    lines.flatMap(({ _aws }) => _aws?.CloudWatchMetrics[0].Metrics.map(({ Name, Unit }) => `${Name} ${Unit}`) ?? []),
  );

const lines = await linesOf(
  'observed',
  'loaded',
  'evicted',
  'shadowed',
  'refused',
  'captureLost',
  'warned',
  'decided',
  'judged',
  'scored',
  'spent',
);
const page = await readFile('docs/monitoring.md', 'utf8');
/** The first two cells of each row whose first cell is code. */
const rows = [...page.matchAll(/^\| `([^`]+)` \| ([\w/]+) \|/gm)].map(([, first, second]) => `${first} ${second}`);
const isMetric = (row: string): boolean => !/ (INFO|WARN|ERROR)$/.test(row);

it('docs/monitoring.md lists each metric of a function with its unit', () => {
  expect(rows.filter(isMetric).sort()).toEqual(metricsIn(lines));
});

it('docs/monitoring.md has the table of metrics as the code writes it', () => {
  expect(page).toContain(metricsTable());
});

it('docs/monitoring.md lists each log line of a function with its level', () => {
  const logged = lines.filter(({ _aws }) => _aws === undefined).map(({ message, level }) => `${message} ${level}`);
  expect(rows.filter((row) => !isMetric(row)).sort()).toEqual(distinct(logged));
});

/** Fields of every line, and of every line that fails. */
const COMMON_FIELDS = ['level', 'message', 'timestamp', 'service', 'sampling_rate', 'xray_trace_id', 'failures'];
const fieldRows = [...page.matchAll(/^\| `([^`]+)` \| (?:INFO|WARN|ERROR) \| (`.*) \|$/gm)];

it.each(fieldRows.map(([, message = '', fields = '']) => [message, fields] as const))(
  'docs/monitoring.md lists the fields of the log line "%s"',
  (message, fields) => {
    const line = lines.find((one) => one.message === message) ?? {};
    const documented = [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field);
    expect(documented.sort()).toEqual(
      Object.keys(line)
        .filter((field) => !COMMON_FIELDS.includes(field))
        .sort(),
    );
  },
);

/** Metrics of models that write text. */
const GENERATION = /^(TokensPerSecond|PromptTokens|AnswerTokens) /;

it('the README gives the number of metrics, of requests and loads and of all others, and their price', async () => {
  const readme = await readFile('README.md', 'utf8');
  const [, each, month] = /makes (\d+) custom metrics[\s\S]*?every hour costs \$([\d.]+) a month/.exec(readme) ?? [];
  const [, more] = /Up to (\d+) more metrics/.exec(readme) ?? [];
  const { length } = metricsIn(await linesOf('observed', 'loaded')).filter((metric) => !GENERATION.test(metric));

  expect([Number(each), Number(month)]).toEqual([length, expect.closeTo(length * 0.3)]);
  expect(Number(more)).toBe(metricsIn(lines).length - length);
});
