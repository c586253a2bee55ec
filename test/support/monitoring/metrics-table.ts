import { METRIC_PRICE, METRICS, type MetricName } from '../../../src/lambda/metrics.ts';

/** `Record` makes the compiler refuse a metric without a description. */
const WHEN: Record<MetricName, string> = {
  Requests: 'every request; for a batch of uploads, their number',
  ClientFaults: 'every request: refusals that are the fault of the caller, 0 without any',
  ServerFaults: 'every request: failures that are the fault of the service, 0 without any',
  ColdStarts: 'the first request of an execution environment',
  BatchSize: 'every request that ran: requests, or uploads, that were answered together',
  RouteTime: 'every request with this step: finding the version that answers',
  LoadTime: 'every request with this step: waiting for the model, almost 0 when it is in memory',
  DecodeTime: 'every request with this step: reading and decoding the input',
  PreprocessTime: 'every request with this step: making tensors of the input',
  RunTime: 'every request with this step: the run of the graphs',
  PostprocessTime: 'every request with this step: making the answer of the outputs',
  EncodeTime: 'every request with this step: writing the answer as text or bytes',
  TotalTime: 'every request: from the event to the end of the answer',
  ModelLoads: 'every load of a model',
  DownloadBytes: 'every load of a model: bytes that S3 sent, 0 when the files were in `/tmp`',
  DownloadTime: 'every load of a model: time of the download',
  CreateTime: 'every load of a model: time that creating the sessions took',
  ShadowRuns: 'after a request that a shadow ran for, on the version in the shadow',
  ShadowFailures: 'the same: runs that failed',
  ShadowChanges: 'the same: runs whose answer differs',
  ShadowDistance: 'the same: the greatest distance between two answers',
  VersionsRefused: 'a version that is routed to and cannot be loaded; the one before it goes on answering',
  ModelEvictions: 'a model that makes room for another one',
};

const isMetricName = (name: string): name is MetricName => name in METRICS;

/** The table of docs/monitoring.md. */
export const metricsTable = (): string => {
  const rows = Object.keys(METRICS)
    .filter(isMetricName)
    .map((name) => {
      const { unit, statistic } = METRICS[name];
      return `| \`${name}\` | ${unit} | ${statistic} | ${WHEN[name]} | $${METRIC_PRICE.toFixed(2)} |`;
    });
  return ['| name | unit | statistic | written at | price |', '|---|---|---|---|---|', ...rows].join('\n');
};
