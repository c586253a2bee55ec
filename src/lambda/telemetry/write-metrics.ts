import { METRICS, type MetricValue } from '../metrics.ts';
import { createOutput, isTrue, serviceName } from './output.ts';

/** Writes a line into the log that CloudWatch reads as metrics of `dimensions` and of the service. */
export type WriteMetrics = (dimensions: Readonly<Record<string, string>>, values: readonly MetricValue[]) => void;

/**
 * The embedded metric format.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export const createWriteMetrics = (environment: NodeJS.ProcessEnv = process.env): WriteMetrics => {
  const { POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_METRICS_DISABLED, POWERTOOLS_DEV } = environment;
  if (isTrue(POWERTOOLS_METRICS_DISABLED ?? POWERTOOLS_DEV)) return () => {};
  const output = createOutput(environment);
  const service = serviceName(environment);
  const Namespace = POWERTOOLS_METRICS_NAMESPACE || 'onnx-serverless';
  return (dimensions, values) => {
    const Dimensions = [['service', ...Object.keys(dimensions)]];
    const Metrics = values.map(([Name]) => ({ Name, Unit: METRICS[Name].unit }));
    const _aws = { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace, Dimensions, Metrics }] };
    output.log(JSON.stringify({ _aws, service, ...dimensions, ...Object.fromEntries(values) }));
  };
};
