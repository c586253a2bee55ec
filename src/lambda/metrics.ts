import { MetricUnit } from '@aws-lambda-powertools/metrics';

export interface Metric {
  readonly unit: (typeof MetricUnit)[keyof typeof MetricUnit];
  readonly statistic: 'Sum' | 'Average' | 'Maximum' | 'Minimum';
  /** `service` for a metric of the whole stage, which an alarm can watch whatever the models are called; otherwise that of a version. */
  readonly of?: 'service' | 'model';
}

/** The metrics of a model's version, and of the stage, by name: the unit, and the statistic by which CloudWatch is asked for them. */
export const METRICS = {
  Requests: { unit: MetricUnit.Count, statistic: 'Sum' },
  ClientFaults: { unit: MetricUnit.Count, statistic: 'Sum' },
  ServerFaults: { unit: MetricUnit.Count, statistic: 'Sum' },
  CpuTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  MemoryUsed: { unit: MetricUnit.Percent, statistic: 'Maximum' },
  TmpUsed: { unit: MetricUnit.Percent, statistic: 'Maximum' },
  ColdStarts: { unit: MetricUnit.Count, statistic: 'Sum' },
  InitTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  BatchSize: { unit: MetricUnit.Count, statistic: 'Average' },
  RouteTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  LoadTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  DecodeTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  PreprocessTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  RunTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  PostprocessTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  EncodeTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  FirstChunkTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  TotalTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  TokensPerSecond: { unit: MetricUnit.CountPerSecond, statistic: 'Average' },
  PromptTokens: { unit: MetricUnit.Count, statistic: 'Sum' },
  AnswerTokens: { unit: MetricUnit.Count, statistic: 'Sum' },
  ModelLoads: { unit: MetricUnit.Count, statistic: 'Sum' },
  DownloadBytes: { unit: MetricUnit.Bytes, statistic: 'Sum' },
  DownloadTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  CreateTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  WarmUpTime: { unit: MetricUnit.Milliseconds, statistic: 'Average' },
  ShadowRuns: { unit: MetricUnit.Count, statistic: 'Sum' },
  ShadowFailures: { unit: MetricUnit.Count, statistic: 'Sum' },
  ShadowChanges: { unit: MetricUnit.Count, statistic: 'Sum' },
  ShadowDistance: { unit: MetricUnit.NoUnit, statistic: 'Maximum' },
  VersionsRefused: { unit: MetricUnit.Count, statistic: 'Sum' },
  CapturesLost: { unit: MetricUnit.Count, statistic: 'Sum' },
  ModelEvictions: { unit: MetricUnit.Count, statistic: 'Sum' },
  WorstDrift: { unit: MetricUnit.NoUnit, statistic: 'Maximum', of: 'model' },
  DriftedFeatures: { unit: MetricUnit.Count, statistic: 'Maximum', of: 'model' },
  Samples: { unit: MetricUnit.Count, statistic: 'Sum', of: 'model' },
  Accuracy: { unit: MetricUnit.NoUnit, statistic: 'Average', of: 'model' },
  LeastAccuracy: { unit: MetricUnit.NoUnit, statistic: 'Minimum', of: 'service' },
  SilentModels: { unit: MetricUnit.Count, statistic: 'Sum', of: 'service' },
  DriftedModels: { unit: MetricUnit.Count, statistic: 'Sum', of: 'service' },
  BudgetSpent: { unit: MetricUnit.Percent, statistic: 'Maximum', of: 'service' },
  CanarySteps: { unit: MetricUnit.Count, statistic: 'Sum', of: 'service' },
  CanaryRollbacks: { unit: MetricUnit.Count, statistic: 'Sum', of: 'service' },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export type MetricValue = readonly [name: MetricName, value: number];

/** The dimensions of each metric, by the thing that it is of. */
export const DIMENSIONS = {
  version: ['service', 'model', 'version'],
  model: ['service', 'model'],
  service: ['service'],
} as const;

/** US dollars a month for one metric with its dimensions, prorated by the hour. https://aws.amazon.com/cloudwatch/pricing/ (2025) */
export const METRIC_PRICE = 0.3;
