export interface Metric {
  readonly unit: 'Count' | 'Milliseconds' | 'Percent' | 'Count/Second' | 'Bytes' | 'None';
  readonly statistic: 'Sum' | 'Average' | 'Maximum' | 'Minimum';
  /** `service` for a metric of the whole stage, which an alarm can watch whatever the models are called; otherwise that of a version. */
  readonly of?: 'service' | 'model';
}

/** The metrics of a model's version, and of the stage, by name: the unit, and the statistic by which CloudWatch is asked for them. */
export const METRICS = {
  Requests: { unit: 'Count', statistic: 'Sum' },
  ClientFaults: { unit: 'Count', statistic: 'Sum' },
  ServerFaults: { unit: 'Count', statistic: 'Sum' },
  CpuTime: { unit: 'Milliseconds', statistic: 'Average' },
  MemoryUsed: { unit: 'Percent', statistic: 'Maximum' },
  TmpUsed: { unit: 'Percent', statistic: 'Maximum' },
  ColdStarts: { unit: 'Count', statistic: 'Sum' },
  InitTime: { unit: 'Milliseconds', statistic: 'Average' },
  BatchSize: { unit: 'Count', statistic: 'Average' },
  RouteTime: { unit: 'Milliseconds', statistic: 'Average' },
  LoadTime: { unit: 'Milliseconds', statistic: 'Average' },
  DecodeTime: { unit: 'Milliseconds', statistic: 'Average' },
  PreprocessTime: { unit: 'Milliseconds', statistic: 'Average' },
  RunTime: { unit: 'Milliseconds', statistic: 'Average' },
  PostprocessTime: { unit: 'Milliseconds', statistic: 'Average' },
  EncodeTime: { unit: 'Milliseconds', statistic: 'Average' },
  FirstChunkTime: { unit: 'Milliseconds', statistic: 'Average' },
  TotalTime: { unit: 'Milliseconds', statistic: 'Average' },
  TokensPerSecond: { unit: 'Count/Second', statistic: 'Average' },
  PromptTokens: { unit: 'Count', statistic: 'Sum' },
  AnswerTokens: { unit: 'Count', statistic: 'Sum' },
  ModelLoads: { unit: 'Count', statistic: 'Sum' },
  DownloadBytes: { unit: 'Bytes', statistic: 'Sum' },
  DownloadTime: { unit: 'Milliseconds', statistic: 'Average' },
  CreateTime: { unit: 'Milliseconds', statistic: 'Average' },
  WarmUpTime: { unit: 'Milliseconds', statistic: 'Average' },
  ShadowRuns: { unit: 'Count', statistic: 'Sum' },
  ShadowFailures: { unit: 'Count', statistic: 'Sum' },
  ShadowChanges: { unit: 'Count', statistic: 'Sum' },
  ShadowDistance: { unit: 'None', statistic: 'Maximum' },
  VersionsRefused: { unit: 'Count', statistic: 'Sum' },
  CapturesLost: { unit: 'Count', statistic: 'Sum' },
  ModelEvictions: { unit: 'Count', statistic: 'Sum' },
  WorstDrift: { unit: 'None', statistic: 'Maximum', of: 'model' },
  DriftedFeatures: { unit: 'Count', statistic: 'Maximum', of: 'model' },
  Samples: { unit: 'Count', statistic: 'Sum', of: 'model' },
  Accuracy: { unit: 'None', statistic: 'Average', of: 'model' },
  LeastAccuracy: { unit: 'None', statistic: 'Minimum', of: 'service' },
  SilentModels: { unit: 'Count', statistic: 'Sum', of: 'service' },
  DriftedModels: { unit: 'Count', statistic: 'Sum', of: 'service' },
  BudgetSpent: { unit: 'Percent', statistic: 'Maximum', of: 'service' },
  CanarySteps: { unit: 'Count', statistic: 'Sum', of: 'service' },
  CanaryRollbacks: { unit: 'Count', statistic: 'Sum', of: 'service' },
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
