import { METRIC_PRICE, METRICS, type MetricName } from '../../../src/lambda/metrics.ts';

/** The value, and the occasion. `Record` makes the compiler refuse a metric without them. */
const TEXTS: Record<MetricName, readonly [value: string, written: string]> = {
  Requests: ['requests, or uploads that ran together', 'at the end of each request'],
  ClientFaults: ['failures that the caller has to mend', 'at the end of each request'],
  ServerFaults: ['failures that the operator has to mend', 'at the end of each request'],
  CpuTime: ['time of the processor, on all threads of the process', 'at the end of each request'],
  MemoryUsed: ['memory of the process, of the memory of the function', 'at the end of each request'],
  TmpUsed: ['use of `/tmp`', 'at the end of each request'],
  ColdStarts: ['1', 'at the first request of an execution environment'],
  InitTime: [
    'time from the start of the process to the end of init',
    'at the first request of an execution environment',
  ],
  BatchSize: ['inputs that were answered together', 'for requests that name a model'],
  RouteTime: ['time to choose the version', 'for requests with this step'],
  LoadTime: ['wait for the model, after the inputs were decoded', 'for requests with this step'],
  DecodeTime: ['time to fetch and decode the inputs', 'for requests with this step'],
  PreprocessTime: ['time to make the inputs of the graph', 'for requests with this step'],
  RunTime: ['time of the runs of the graphs', 'for requests with this step'],
  PostprocessTime: ['time to turn outputs into the answer', 'for requests with this step'],
  EncodeTime: ['time to write the answer as JSON', 'for requests with this step'],
  FirstChunkTime: ['time to the first chunk', 'for answers that are streamed'],
  TotalTime: ['time of the request in the function', 'at the end of each request'],
  TokensPerSecond: ['tokens of the answer by the time of the run, which reads the prompt first', 'for generated text'],
  PromptTokens: ['tokens of the prompts', 'for generated text'],
  AnswerTokens: ['tokens that the model wrote', 'for generated text'],
  ModelLoads: ['1', 'after a model was loaded'],
  DownloadBytes: ['size of the files that were downloaded', 'after a model was loaded'],
  DownloadTime: ['time of the download', 'after a model was loaded'],
  CreateTime: ['time to create the sessions', 'after a model was loaded'],
  WarmUpTime: ['time of the warm-up runs', 'after a model was loaded'],
  ShadowRuns: ['requests that the shadow ran', 'after a shadow run'],
  ShadowFailures: ['requests that the shadow could not answer', 'after a shadow run'],
  ShadowChanges: ['answers that differ in more than their scores', 'after a shadow run'],
  ShadowDistance: ['largest difference of a score', 'after a shadow run'],
  VersionsRefused: ['1', 'after a version that a routing names could not be loaded'],
  CapturesLost: ['captured predictions that S3 did not take', 'after they were lost, for the model `none`'],
  ModelEvictions: ['1', 'after a model made room for others'],
  WorstDrift: ['largest drift of a feature', 'each hour with a baseline and 200 samples, for the model'],
  DriftedFeatures: ['features with a warning or a drift', 'beside `WorstDrift`'],
  Samples: ['captured answers of the hour', 'each hour, for a model whose predictions are captured'],
  Accuracy: ['share of right answers of a week', 'each hour, for a model with feedback on 200 answers'],
  LeastAccuracy: ['the least `Accuracy` of all models', 'beside `Accuracy`'],
  SilentModels: ['1', 'after 24 hours without a captured answer of a model whose predictions are captured'],
  DriftedModels: ['1', 'after an hour of a model with the verdict `drift`'],
  BudgetSpent: ['cost of the month, of `maxMonthlyDollars`', 'every five minutes, with `maxMonthlyDollars`'],
  CanarySteps: ['1', 'after the monitor raised or promoted a canary'],
  CanaryRollbacks: ['1', 'after the monitor rolled a canary back'],
};

const isMetricName = (name: string): name is MetricName => name in METRICS;

/** The table of docs/monitoring.md. */
export const metricsTable = (): string => {
  const rows = Object.keys(METRICS)
    .filter(isMetricName)
    .map((name) => {
      const { unit, statistic } = METRICS[name];
      const [value, written] = TEXTS[name];
      return `| \`${name}\` | ${unit} | ${value} | ${written} | ${statistic} | $${METRIC_PRICE.toFixed(2)} |`;
    });
  return ['| metric | unit | value | written | statistic | price |', '|---|---|---|---|---|---|', ...rows].join('\n');
};
