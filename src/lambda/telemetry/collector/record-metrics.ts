import type { Attributes } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { AggregationTemporality, MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Measured } from './messages.ts';

/** Units of CloudWatch in UCUM. https://opentelemetry.io/docs/specs/semconv/general/metrics/#instrument-units */
const UNITS: Readonly<Record<string, string>> = {
  ...{ Milliseconds: 'ms', Bytes: 'By', Percent: '%', Count: '1', None: '1', 'Count/Second': '1/s' },
};

/** `RouteTime` is `onnx_serverless.route_time`. */
const toName = (name: string): string =>
  `onnx_serverless.${name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase()}`;

/** Collects when it is asked, and never by itself: Lambda freezes timers. */
class AskedReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Adds metrics up since the last call: counts are sums, and all else are histograms. An environment that ends takes no totals along. */
export const createRecordMetrics = (resource: Resource, scope: string, version: string) => {
  const reader = new AskedReader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter(scope, version);
  const instruments = new Map<string, (value: number, attributes: Attributes) => void>();

  const createInstrument = (name: string, unit: string, isSum: boolean) => {
    const options = { unit: UNITS[unit] ?? '1' };
    if (isSum) {
      const counter = meter.createCounter(toName(name), options);
      return (value: number, attributes: Attributes): void => counter.add(value, attributes);
    }
    const histogram = meter.createHistogram(toName(name), options);
    return (value: number, attributes: Attributes): void => histogram.record(value, attributes);
  };

  const record = ({ model, version: modelVersion, values }: Measured): void => {
    const attributes: Attributes =
      model === undefined || modelVersion === undefined
        ? {}
        : { 'onnx_serverless.model': model, 'onnx_serverless.version': modelVersion };
    for (const { name, unit, isSum, value } of values) {
      const add = instruments.get(name) ?? createInstrument(name, unit, isSum);
      instruments.set(name, add);
      add(value, attributes);
    }
  };

  return async (measured: readonly Measured[]): Promise<ResourceMetrics> => {
    for (const each of measured) record(each);
    return (await reader.collect()).resourceMetrics;
  };
};
