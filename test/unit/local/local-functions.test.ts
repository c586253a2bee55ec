import { afterEach, expect, it } from '@jest/globals';
import { createLocalFunctions } from '../../../local/local-functions.ts';

const VARIABLES = [
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
];

afterEach(() => {
  for (const name of VARIABLES) delete process.env[name];
});

it.each(VARIABLES)('headers of a collector in %s that are no pairs are refused, and not repeated', async (name) => {
  process.env[name] = 'api-key=abc,s3cret';
  const aws = { endpoint: 'http://127.0.0.1:9', queueUrl: () => '', stop: async () => {} };
  const infer = { name: 'infer', modulePath: 'infer.ts', handlerName: 'handler', memoryMb: 128, timeoutSeconds: 1 };
  const options = { directory: '', parameters: {}, onLine: () => {}, aws, scaling: {}, atOnce: undefined };
  const functions = createLocalFunctions([{ ...infer, environment: {} }], options);
  const started = functions.init({ functionUrls: {} });
  await expect(started).rejects.toThrow(`${name} has no pairs, expected <name>=<value>,…`);
  await expect(started).rejects.not.toThrow('s3cret');
});
