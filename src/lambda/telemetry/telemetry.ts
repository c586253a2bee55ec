import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { ERROR_KINDS } from '../../core/errors.ts';
import { roundedSteps, roundMs } from '../../core/stopwatch.ts';
import { type Observation, STEPS, type Step, type Telemetry } from '../../serving/telemetry.ts';
import { METRICS, type MetricName, type MetricValue } from '../metrics.ts';
import type { Collector } from './collector/collector.ts';
import type { MeasuredValue } from './collector/messages.ts';
import { createWarned, describeFailure } from './describe-failure.ts';
import { createMeasureUse, type EnvironmentOptions, type Use } from './measure-use.ts';

/** `Record` makes the compiler refuse a new step that has no metric. */
const STEP_METRIC: Record<Step, MetricName> = {
  route: 'RouteTime',
  load: 'LoadTime',
  decode: 'DecodeTime',
  preprocess: 'PreprocessTime',
  run: 'RunTime',
  postprocess: 'PostprocessTime',
  encode: 'EncodeTime',
};

/** Writes a metrics blob: the values of a model and version. */
type Publish = (model: string | undefined, version: number | undefined, values: readonly MetricValue[]) => void;

const toMeasured = ([name, value]: MetricValue): MeasuredValue => {
  const { unit, statistic } = METRICS[name];
  return { name, unit, isSum: statistic === 'Sum', value };
};

/** Only models that exist become dimensions: a caller who makes up names must not make up metrics. */
const createPublish = (collector: Collector | undefined): Publish => {
  const metrics = new Metrics();
  return (model, version, values) => {
    const exists = model !== undefined && version !== undefined;
    collector?.measured({ ...(exists && { model, version }), values: values.map(toMeasured) });
    metrics.addDimensions(exists ? { model, version: String(version) } : { model: 'none', version: 'none' });
    for (const [name, value] of values) metrics.addMetric(name, METRICS[name].unit, value);
    metrics.publishStoredMetrics();
  };
};

const clientFaultsOf = ({ failures }: Observation): number =>
  failures.filter(({ code }) => ERROR_KINDS[code].fault === 'client').length;

/** @param initMs of an environment whose first request this is */
const requestMetrics = (observation: Observation, use: Use, initMs: number | undefined): MetricValue[] => {
  const { stopwatch, batchSize, failures, firstChunkMs } = observation;
  const clientFaults = clientFaultsOf(observation);
  return [
    ['Requests', Math.max(1, batchSize)],
    ['ClientFaults', clientFaults],
    ['ServerFaults', failures.length - clientFaults],
    ['CpuTime', use.cpuMs],
    ['MemoryUsed', use.memoryPercent],
    ['TmpUsed', use.tmpPercent],
    ...(initMs === undefined ? [] : [['ColdStarts', 1] as const, ['InitTime', initMs] as const]),
    ...(batchSize > 0 ? [['BatchSize', batchSize] as const] : []),
    ...STEPS.flatMap((step): MetricValue[] => {
      const ms = stopwatch.stepsMs[step];
      return ms === undefined ? [] : [[STEP_METRIC[step], roundMs(ms)]];
    }),
    ...(firstChunkMs === undefined ? [] : [['FirstChunkTime', roundMs(firstChunkMs)] as const]),
    ['TotalTime', use.totalMs],
    ...generationMetrics(observation),
  ];
};

/** The metrics of an answer that the model wrote. Tokens of a second of the run, which reads the prompt first. */
const generationMetrics = ({ stopwatch, usage }: Observation): MetricValue[] => {
  const { promptTokens = 0, answerTokens } = usage ?? {};
  const runMs = stopwatch.stepsMs.run ?? 0;
  if (answerTokens === undefined) return [];
  return [
    ['PromptTokens', promptTokens],
    ['AnswerTokens', answerTokens],
    ['TokensPerSecond', runMs > 0 ? (1000 * answerTokens) / runMs : 0],
  ];
};

const logRequest = (
  logger: Logger,
  observation: Observation,
  use: Use,
  initMs: number | undefined,
  traceId: string | undefined,
): void => {
  const { totalMs, cpuMs, memoryMb, tmpMb } = use;
  const { requestId, gatewayRequestId, operation, stopwatch, model, version, batchSize } = observation;
  const { skipped, failures, firstChunkMs, usage } = observation;
  const line = {
    ...{ requestId, gatewayRequestId, traceId, operation, model, version, batchSize },
    ...(skipped && { skipped }),
    ...{ coldStart: initMs !== undefined, ...(initMs !== undefined && { initMs }) },
    ...(firstChunkMs !== undefined && { firstChunkMs: roundMs(firstChunkMs) }),
    ...(usage && { usage }),
    ...{ totalMs, stepsMs: roundedSteps(stopwatch.stepsMs), cpuMs, memoryMb, tmpMb },
    ...(failures.length > 0 && { failures: failures.map(describeFailure) }),
  };
  if (failures.length === 0) logger.info('request', line);
  else if (clientFaultsOf(observation) === failures.length) logger.warn('request refused', line);
  else logger.error('request failed', line);
};

const createModelTelemetry = (publish: Publish, logger: Logger): Omit<Telemetry, 'observed' | 'warned'> => ({
  loaded(report) {
    const [downloadMs, createMs, warmUpMs] = [report.downloadMs, report.createMs, report.warmUpMs].map(roundMs);
    publish(report.model, report.version, [
      ['ModelLoads', 1],
      ['DownloadBytes', report.downloadBytes],
      ['DownloadTime', downloadMs ?? 0],
      ['CreateTime', createMs ?? 0],
      ['WarmUpTime', warmUpMs ?? 0],
    ]);
    logger.info('model loaded', { ...report, downloadMs, createMs, warmUpMs });
  },

  shadowed({ model, version, shadowVersion, comparisons, failures }) {
    const changes = comparisons.filter(({ changed }) => changed).length;
    const distance = comparisons.reduce((max, comparison) => Math.max(max, comparison.distance), 0);
    publish(model, shadowVersion, [
      ['ShadowRuns', comparisons.length + failures.length],
      ['ShadowFailures', failures.length],
      ['ShadowChanges', changes],
      ['ShadowDistance', distance],
    ]);
    const line = { model, version, shadowVersion, runs: comparisons.length, changes, distance };
    if (failures.length === 0) logger.info('shadow', line);
    else logger.warn('shadow failed', { ...line, failures: failures.map(describeFailure) });
  },

  captureLost(model, records, error) {
    publish(model, undefined, [['CapturesLost', records]]);
    logger.error('captured predictions were lost', { model, records, failures: [describeFailure(error)] });
  },

  refused(model, version, error) {
    publish(model, version, [['VersionsRefused', 1]]);
    const failures = [describeFailure(error)];
    logger.error('version refused, the one before it goes on answering', { model, version, failures });
  },

  evicted(report) {
    publish(report.model, report.version, [['ModelEvictions', 1]]);
    logger.info('model evicted', { ...report });
  },
});

/**
 * Metrics as CloudWatch reads them from the log (embedded metric format), and one structured log line per request, through Powertools.
 * Dimensions are the service, the model and its version: every further value would be a metric to pay for.
 * @param collector of OpenTelemetry, which is told the same
 */
export const createTelemetry = (environment: EnvironmentOptions, collector?: Collector): Telemetry => {
  const publish = createPublish(collector);
  const logger = new Logger();
  const model = createModelTelemetry(publish, logger);
  const measureUse = createMeasureUse(environment);
  let coldStart = true;
  return {
    ...model,

    loaded(report) {
      collector?.loaded(report);
      model.loaded(report);
    },

    observed(observation) {
      const use = measureUse(observation);
      const initMs = coldStart ? roundMs(environment.initMs()) : undefined;
      publish(observation.model, observation.version, requestMetrics(observation, use, initMs));
      const trace = collector?.requested({ observation, totalMs: use.totalMs, initMs }) ?? observation.trace;
      logRequest(logger, observation, use, initMs, trace?.traceId);
      coldStart = false;
    },

    warned: createWarned(logger),
  };
};
