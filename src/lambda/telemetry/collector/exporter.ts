import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import type { Exporter, ExporterOptions } from './messages.ts';
import { createRecordMetrics } from './record-metrics.ts';
import { createRecordSpans } from './record-spans.ts';

const SCOPE = 'onnx-serverless';

/** The variables of OpenTelemetry have the last word. */
const toResource = ({ service, version, functionName, memoryBytes }: ExporterOptions): Resource => {
  const known = resourceFromAttributes({
    ...{ 'service.name': service, 'service.version': version, 'service.instance.id': randomUUID() },
    ...{ 'faas.name': functionName, 'faas.max_memory': memoryBytes },
  });
  return known.merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
};

/** A file that a variable of OpenTelemetry names. The library would read it for agents of its own alone. @throws Error for a missing file */
const readPem = (name: string): Buffer | undefined => {
  const file = process.env[`OTEL_EXPORTER_OTLP_${name}`];
  return file ? readFileSync(file) : undefined;
};

/** The outcome of a sending, as the library's exporters tell it. */
type Told = (result: { readonly code: number; readonly error?: Error }) => void;

const FAILED = 1;

export const createExporter = (options: ExporterOptions): Exporter => {
  const { version, timeoutMs } = options;
  const resource = toResource(options);
  const [ca, cert, key] = ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].map(readPem);
  // Not kept alive: a connection that Lambda froze would be a broken one.
  const agents = { 'http:': new Agent(), 'https:': new SecureAgent({ ca, cert, key }) };
  const connection = {
    timeoutMillis: timeoutMs,
    httpAgentOptions: (protocol: string) => (protocol === 'http:' ? agents['http:'] : agents['https:']),
  };
  const traces = new OTLPTraceExporter(connection);
  const metrics = new OTLPMetricExporter(connection);
  const recordSpans = createRecordSpans(resource, SCOPE, version);
  const recordMetrics = createRecordMetrics(resource, SCOPE, version);

  /** The library bounds silences alone: an answer that drips would never end. */
  const inTime = (signal: string, send: (told: Told) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const refuse = (reason: string): void => reject(new Error(`${signal}: ${reason}`));
      const timer = setTimeout(() => {
        refuse(`no answer in ${timeoutMs} ms`);
        for (const agent of Object.values(agents)) agent.destroy();
      }, timeoutMs);
      send(({ code, error }) => {
        clearTimeout(timer);
        if (code === FAILED) refuse(error?.message || 'refused');
        else resolve();
      });
    });

  return {
    async send(requests, measured) {
      const spans = recordSpans(requests);
      const collected = await recordMetrics(measured);
      const sendings = [];
      if (spans.length > 0) sendings.push(inTime('traces', (told) => traces.export(spans, told)));
      if (measured.length > 0) sendings.push(inTime('metrics', (told) => metrics.export(collected, told)));
      const outcomes = await Promise.allSettled(sendings);
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      if (reasons.length > 0) throw new AggregateError(reasons, reasons.map(({ message }) => message).join('; '));
    },
  };
};
