import { statfsSync } from 'node:fs';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import { BYTES_PER_LAMBDA_MB } from '../core/format-bytes.ts';
import { memoryUsed } from '../core/memory-used.ts';
import { roundedSteps, roundMs } from '../core/stopwatch.ts';
import type { MonitorTelemetry } from '../monitoring/job.ts';
import { type Observation, STEPS, type Step, type Telemetry } from '../serving/telemetry.ts';
import { METRICS, type MetricName } from './metrics.ts';
import type { Notify } from './notification.ts';

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

/** A failure for the log: with stack and cause when it is a fault of the service; a message is enough for a caller's. */
const describe = ({ code, message, operator, cause, stack }: ServingError) => ({
  code,
  message,
  ...(operator !== undefined && { operator }),
  ...(ERROR_KINDS[code].fault === 'server' && {
    stack,
    ...(cause !== undefined && { cause: cause instanceof Error ? cause.stack : String(cause) }),
  }),
});

/** Warnings alone, for a function that answers no request. */
export const createWarned =
  (logger = new Logger()): Telemetry['warned'] =>
  (message, error) =>
    logger.warn(message, { failures: [describe(error)] });

/** Writes a metrics blob: the values of a model and version. */
type Publish = (model: string | undefined, version: number | undefined, values: readonly MetricValue[]) => void;
type MetricValue = readonly [name: MetricName, value: number];

/** Only models that exist become dimensions: a caller who makes up names must not make up metrics. */
const createPublish = (): Publish => {
  const metrics = new Metrics();
  return (model, version, values) => {
    const exists = model !== undefined && version !== undefined;
    metrics.addDimensions(exists ? { model, version: String(version) } : { model: 'none', version: 'none' });
    for (const [name, value] of values) metrics.addMetric(name, METRICS[name].unit, value);
    metrics.publishStoredMetrics();
  };
};

const clientFaultsOf = ({ failures }: Observation): number =>
  failures.filter(({ code }) => ERROR_KINDS[code].fault === 'client').length;

/** The environment in which requests are answered. */
export interface EnvironmentOptions {
  /** Memory of the function. */
  readonly memoryMb: number;
  /** Lies in the file system whose use is reported. */
  readonly directory: string;
  /** Time of init, once it has ended. */
  readonly initMs: () => number;
}

/** Time, memory and disk at the end of a request. */
interface Use {
  readonly totalMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
  readonly tmpMb: number;
  /** Parts of the memory and of the file system, in percent. */
  readonly memoryPercent: number;
  readonly tmpPercent: number;
}

const toMb = (bytes: number): number => Math.round(bytes / BYTES_PER_LAMBDA_MB);
const toPercent = (part: number, whole: number): number => Math.round((1000 * part) / Math.max(1, whole)) / 10;

/** Microseconds: the operating system keeps these numbers. */
const measureUse = ({ stopwatch }: Observation, { memoryMb: limitMb, directory }: EnvironmentOptions): Use => {
  const memoryBytes = memoryUsed();
  const { blocks, bfree, bsize } = statfsSync(directory);
  return {
    totalMs: roundMs(stopwatch.totalMs()),
    cpuMs: roundMs(stopwatch.cpuMs()),
    memoryMb: toMb(memoryBytes),
    tmpMb: toMb((blocks - bfree) * bsize),
    memoryPercent: toPercent(memoryBytes, limitMb * BYTES_PER_LAMBDA_MB),
    tmpPercent: toPercent(blocks - bfree, blocks),
  };
};

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

const logRequest = (logger: Logger, observation: Observation, use: Use, initMs: number | undefined): void => {
  const { totalMs, cpuMs, memoryMb, tmpMb } = use;
  const { requestId, gatewayRequestId, operation, stopwatch, model, version, batchSize } = observation;
  const { skipped, failures, firstChunkMs, usage } = observation;
  const line = {
    ...{ requestId, gatewayRequestId, operation, model, version, batchSize },
    ...(skipped && { skipped }),
    ...{ coldStart: initMs !== undefined, ...(initMs !== undefined && { initMs }) },
    ...(firstChunkMs !== undefined && { firstChunkMs: roundMs(firstChunkMs) }),
    ...(usage && { usage }),
    ...{ totalMs, stepsMs: roundedSteps(stopwatch.stepsMs), cpuMs, memoryMb, tmpMb },
    ...(failures.length > 0 && { failures: failures.map(describe) }),
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
    else logger.warn('shadow failed', { ...line, failures: failures.map(describe) });
  },

  captureLost(model, records, error) {
    publish(model, undefined, [['CapturesLost', records]]);
    logger.error('captured predictions were lost', { model, records, failures: [describe(error)] });
  },

  refused(model, version, error) {
    publish(model, version, [['VersionsRefused', 1]]);
    const failures = [describe(error)];
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
 */
export const createTelemetry = (environment: EnvironmentOptions): Telemetry => {
  const publish = createPublish();
  const logger = new Logger();
  let coldStart = true;
  return {
    ...createModelTelemetry(publish, logger),

    observed(observation) {
      const use = measureUse(observation, environment);
      const initMs = coldStart ? roundMs(environment.initMs()) : undefined;
      publish(observation.model, observation.version, requestMetrics(observation, use, initMs));
      logRequest(logger, observation, use, initMs);
      coldStart = false;
    },

    warned: createWarned(logger),
  };
};

const DECIDED = {
  time: 'canary timed',
  raise: 'canary raised',
  promote: 'canary promoted',
  rollback: 'canary rolled back',
} as const;

/**
 * Metrics of the whole stage and log lines of the monitor's decisions.
 * @param notify tells people that a canary was rolled back
 */
export const createMonitorTelemetry = (notify: Notify): MonitorTelemetry => {
  const metrics = new Metrics();
  const logger = new Logger();
  const count = (name: MetricName): void => {
    metrics.addMetric(name, METRICS[name].unit, 1);
    metrics.publishStoredMetrics();
  };
  const warned = createWarned(logger);

  const publish = (model: string, values: readonly MetricValue[]): void => {
    metrics.addDimension('model', model);
    for (const [name, value] of values) metrics.addMetric(name, METRICS[name].unit, value);
    metrics.publishStoredMetrics();
  };

  return {
    warned,
    judged({ model, samples, verdict, worst, drifted }) {
      publish(model, [
        ['Samples', samples],
        ...(worst ? [['WorstDrift', worst.drift] as const] : []),
        ...(drifted ? [['DriftedFeatures', drifted.length] as const] : []),
      ]);
      if (verdict === 'drift') count('DriftedModels');
      const line = { model, samples, verdict, worst, drifted };
      if (verdict === 'drift' || verdict === 'warning') logger.warn('inputs or answers drift', line);
      else logger.info('drift judged', line);
    },
    scored({ model, accuracy, labels }) {
      publish(model, [['Accuracy', accuracy]]);
      logger.info('accuracy scored', { model, accuracy, labels });
    },
    async decided({ model, version, action, note }) {
      const line = { model, version, note };
      if (action !== 'rollback') {
        if (action !== 'time') count('CanarySteps');
        return logger.info(DECIDED[action], line);
      }
      count('CanaryRollbacks');
      logger.warn(DECIDED[action], line);
      const text = `Version ${version} of model ${model} was rolled back by the monitor: ${note}.`;
      const more = `npx onnx-serverless history ${model} shows its way.`;
      await notify(`${model}: canary ${version} rolled back`, `${text}\n${more}\n`).catch((error: unknown) =>
        warned('the notification of a rollback was not sent', ServingError.from(error)),
      );
    },
  };
};
