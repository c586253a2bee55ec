import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { ERROR_KINDS, type ServingError } from '../core/errors.ts';
import type { Observation, Stage, Telemetry } from '../serving/telemetry.ts';

const STAGE_METRIC: Record<Stage, string> = {
  route: 'RouteTime',
  load: 'LoadTime',
  decode: 'DecodeTime',
  preprocess: 'PreprocessTime',
  run: 'RunTime',
  postprocess: 'PostprocessTime',
  encode: 'EncodeTime',
};

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Whole for a fault of ours; a caller's is told by its message. */
const describe = ({ code, message, cause, stack }: ServingError) =>
  ERROR_KINDS[code].fault === 'client'
    ? { code, message }
    : {
        code,
        message,
        stack,
        ...(cause !== undefined && { cause: cause instanceof Error ? cause.stack : String(cause) }),
      };

/**
 * Metrics as CloudWatch reads them from the log (embedded metric format), and one structured log line per request, through Powertools.
 * Dimensions are the service, the model and its version: every further value would be a metric to pay for.
 */
export const createTelemetry = (): Telemetry => {
  const metrics = new Metrics();
  const logger = new Logger();
  let coldStart = true;

  /** Only models that exist become dimensions: a caller who makes up names must not make up metrics. */
  const dimensions = (model: string | undefined, version: number | undefined): void => {
    const exists = model !== undefined && version !== undefined;
    metrics.addDimensions(exists ? { model, version: String(version) } : { model: 'none', version: 'none' });
  };

  return {
    observed({ requestId, operation, stopwatch, model, version, batchSize, skipped, failures }: Observation) {
      const totalMs = round(stopwatch.totalMs());
      const { stagesMs } = stopwatch;
      const clientFaults = failures.filter(({ code }) => ERROR_KINDS[code].fault === 'client').length;

      dimensions(model, version);
      metrics.addMetric('Requests', MetricUnit.Count, Math.max(1, batchSize));
      metrics.addMetric('ClientFaults', MetricUnit.Count, clientFaults);
      metrics.addMetric('ServerFaults', MetricUnit.Count, failures.length - clientFaults);
      if (coldStart) metrics.addMetric('ColdStarts', MetricUnit.Count, 1);
      if (batchSize > 0) metrics.addMetric('BatchSize', MetricUnit.Count, batchSize);
      for (const [stage, ms] of Object.entries(stagesMs))
        metrics.addMetric(STAGE_METRIC[stage as Stage], MetricUnit.Milliseconds, round(ms));
      metrics.addMetric('TotalTime', MetricUnit.Milliseconds, totalMs);
      metrics.publishStoredMetrics();

      const line = {
        requestId,
        operation,
        model,
        version,
        batchSize,
        ...(skipped && { skipped }),
        coldStart,
        totalMs,
        stagesMs: Object.fromEntries(Object.entries(stagesMs).map(([stage, ms]) => [stage, round(ms)])),
        ...(failures.length > 0 && { failures: failures.map(describe) }),
      };
      if (failures.length === 0) logger.info('request', line);
      else if (clientFaults === failures.length) logger.warn('request refused', line);
      else logger.error('request failed', line);
      coldStart = false;
    },

    loaded(report) {
      dimensions(report.model, report.version);
      metrics.addMetric('ModelLoads', MetricUnit.Count, 1);
      metrics.addMetric('DownloadBytes', MetricUnit.Bytes, report.downloadBytes);
      metrics.addMetric('DownloadTime', MetricUnit.Milliseconds, round(report.downloadMs));
      metrics.addMetric('CreateTime', MetricUnit.Milliseconds, round(report.createMs));
      metrics.publishStoredMetrics();
      logger.info('model loaded', {
        ...report,
        downloadMs: round(report.downloadMs),
        createMs: round(report.createMs),
        warmUpMs: round(report.warmUpMs),
      });
    },

    shadowed({ model, version, shadowVersion, comparisons, failures }) {
      const changes = comparisons.filter(({ changed }) => changed).length;
      const distance = comparisons.reduce((max, comparison) => Math.max(max, comparison.distance), 0);
      dimensions(model, shadowVersion);
      metrics.addMetric('ShadowRuns', MetricUnit.Count, comparisons.length + failures.length);
      metrics.addMetric('ShadowFailures', MetricUnit.Count, failures.length);
      metrics.addMetric('ShadowChanges', MetricUnit.Count, changes);
      metrics.addMetric('ShadowDistance', MetricUnit.NoUnit, distance);
      metrics.publishStoredMetrics();
      const line = { model, version, shadowVersion, runs: comparisons.length, changes, distance };
      if (failures.length === 0) logger.info('shadow', line);
      else logger.warn('shadow failed', { ...line, failures: failures.map(describe) });
    },

    refused(model, version, error) {
      dimensions(model, version);
      metrics.addMetric('VersionsRefused', MetricUnit.Count, 1);
      metrics.publishStoredMetrics();
      logger.error('version refused, the one before it goes on answering', {
        model,
        version,
        failures: [describe(error)],
      });
    },

    evicted(report) {
      dimensions(report.model, report.version);
      metrics.addMetric('ModelEvictions', MetricUnit.Count, 1);
      metrics.publishStoredMetrics();
      logger.info('model evicted', { ...report });
    },

    warned: (message, error) => logger.warn(message, { failures: [describe(error)] }),
  };
};
