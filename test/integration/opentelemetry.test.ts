import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { buildOpenTelemetryLayer } from '../../layers/opentelemetry-layer.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type DeployedFunction, deployFunction, type LogLine, readEvents } from '../support/deployed-function.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { startWithSamples } from '../support/local-server.ts';
import { startCollector, type TestCollector } from '../support/otlp.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushNamed } from '../support/serving.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const FLOWER = { inputs: [[5.1, 3.5, 1.4, 0.2]] };
const [SERVER, INTERNAL, DELTA, ERROR] = [2, 1, 1, 2];

interface HttpEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: object;
}

let directory: string;
let layer: string;
let storage: EmbeddedStorage;
let event: HttpEvent;
let collector: TestCollector | undefined;
let deployed: DeployedFunction | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'opentelemetry-'));
  layer = await buildOpenTelemetryLayer(join(directory, 'layer'));
  storage = await startEmbeddedStorage();
  const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  await pushNamed(createModelRepository(store), 'iris');
  event = (await readEvents('infer')).get('infer.json') as HttpEvent;
});
afterAll(async () => {
  await storage.stop();
  await rm(directory, { recursive: true, force: true });
});
afterEach(async () => {
  await deployed?.stop();
  await collector?.stop();
  [deployed, collector] = [undefined, undefined];
});

/** The bundled function, with the layer as Lambda gives it. */
const deploy = async (variables: Record<string, string>): Promise<DeployedFunction> => {
  deployed = await deployFunction('infer', storage, join(directory, 'cache'), {
    NODE_PATH: join(layer, 'nodejs/node_modules'),
    ...variables,
  });
  return deployed;
};

/** The status of an answer. */
const ask = async (body: unknown, headers: Record<string, string> = {}, path = '/models/iris'): Promise<number> => {
  const http = { method: 'POST', path };
  const answer = await deployed?.invoke({
    ...event,
    ...{ rawPath: path, isBase64Encoded: false, body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json', ...headers },
    requestContext: { ...event.requestContext, http },
  });
  return (answer as { statusCode: number }).statusCode;
};

/** The first line with this message. */
const lineOf = async (message: string): Promise<LogLine | undefined> => (await deployed?.untilLogged(message))?.[0];

describe('a function with a collector', () => {
  it("sends the spans of a request below its caller's, and its metrics, and logs the id of the trace", async () => {
    collector = await startCollector();
    const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b', OTEL_RESOURCE_ATTRIBUTES: 'team=vision' };
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/`, ...headers });
    expect(await ask(FLOWER, { traceparent: `00-${TRACE}-${CALLER}-01` })).toBe(200);
    await collector.until(() => collector?.requests.length === 2);

    const whole = collector.spans.find(({ kind }) => kind === SERVER);
    expect(whole).toMatchObject({
      ...{ traceId: TRACE, parentSpanId: CALLER, name: 'POST /models/:name', statusCode: 0 },
      attributes: { 'onnx_serverless.model': 'iris', 'onnx_serverless.version': 1, 'http.request.method': 'POST' },
      resource: { 'service.name': 'test', 'faas.name': 'infer', 'service.version': '0.2.0', team: 'vision' },
    });
    const parts = collector.spans.filter((span) => span !== whole);
    expect(parts.map(({ name }) => name).sort()).toEqual(
      [
        ...['route', 'load', 'decode', 'preprocess', 'run', 'postprocess', 'encode'],
        ...['download', 'create', 'warm-up'],
      ].sort(),
    );
    for (const { traceId, parentSpanId, kind, start, end } of parts) {
      expect({ traceId, parentSpanId, kind }).toEqual({ traceId: TRACE, parentSpanId: whole?.spanId, kind: INTERNAL });
      expect(start).toBeLessThanOrEqual(end);
    }
    expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(11);

    const metrics = new Map(collector.metrics.map((metric) => [metric.name, metric]));
    const attributes = { 'onnx_serverless.model': 'iris', 'onnx_serverless.version': 1 };
    expect(metrics.get('onnx_serverless.requests')).toEqual({
      ...{ name: 'onnx_serverless.requests', unit: '1', kind: 'sum', temporality: DELTA },
      points: [{ sum: 1, count: 1, attributes }],
    });
    const line = await lineOf('request');
    const { run } = (line?.stepsMs ?? {}) as { run?: number };
    expect(metrics.get('onnx_serverless.run_time')).toMatchObject({
      unit: 'ms',
      kind: 'histogram',
      points: [{ sum: run }],
    });
    expect(metrics.get('onnx_serverless.download_bytes')).toMatchObject({ unit: 'By', kind: 'sum' });
    expect(collector.requests.map(({ path }) => path).sort()).toEqual(['/v1/metrics', '/v1/traces']);
    expect(collector.requests.every((request) => request.headers['api-key'] === 'a b')).toBe(true);
    expect(line).toMatchObject({ traceId: TRACE });
  });

  it('sends the rest when Lambda ends it: no spans of a trace that is not recorded, but its metrics', async () => {
    collector = await startCollector();
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    await ask(FLOWER);
    await collector.until(() => collector?.requests.length === 2);
    expect(await ask({ inputs: 'wrong' })).toBe(422);
    expect(await ask(FLOWER, { traceparent: `00-${TRACE}-${CALLER}-00` })).toBe(200);
    expect(await ask(FLOWER, {}, '/models/none')).toBe(404);
    await deployed?.stop();

    const wholes = collector.spans.filter(({ kind }) => kind === SERVER);
    const errors = wholes.map(({ attributes, statusCode }) => [attributes['error.type'], statusCode]);
    expect(errors).toEqual([
      [undefined, 0],
      ['INVALID_INPUT', 0],
      ['NOT_FOUND', 0],
    ]);
    expect(JSON.stringify(wholes, (_key, value) => String(value))).not.toContain('wrong');
    expect(wholes.every(({ traceId }) => traceId !== TRACE)).toBe(true);
    const points = collector.metrics.flatMap((metric) =>
      metric.name === 'onnx_serverless.requests' ? metric.points : [],
    );
    expect(points.reduce((sum, point) => sum + point.sum, 0)).toBe(4);
  });

  it('tells a fault of the service', async () => {
    collector = await startCollector();
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
    expect(await ask(FLOWER)).toBe(503);
    await collector.until(() => (collector?.spans.length ?? 0) > 0);
    expect(collector.spans.find(({ kind }) => kind === SERVER)).toMatchObject({
      statusCode: ERROR,
      attributes: { 'error.type': 'MODEL_UNAVAILABLE' },
    });
  });

  it('without the layer answers, and says what is missing', async () => {
    collector = await startCollector();
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, NODE_PATH: '' });
    expect(await ask(FLOWER)).toBe(200);
    expect(JSON.stringify(await lineOf('the collector of OpenTelemetry fails'))).toContain(
      "Cannot find module 'onnx-serverless-op",
    );
  });
});

/** A busy machine needs more than 2 s for an answer; less than the collector asks for before a further try. */
const PATIENT = { OTEL_EXPORTER_OTLP_TIMEOUT: '50000' };

/** Answers of a collector that takes nothing. */
const FAULTY: Readonly<
  Record<string, readonly [(response: ServerResponse) => void, reason: string, variables?: Record<string, string>]>
> = {
  'answers 500': [(response) => response.writeHead(500).end('broken'), 'traces: Internal Server Error', PATIENT],
  'answers 429': [(response) => response.writeHead(429, { 'retry-after': '60' }).end(), 'retryable status', PATIENT],
  'is silent': [() => {}, 'no answer in 2000 ms'],
  'drips an answer': [
    (response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    },
    'no answer in 2000 ms',
  ],
  'hangs up': [(response) => response.destroy(), 'socket hang up'],
};

describe('while the collector', () => {
  it.each(Object.keys(FAULTY))('%s, requests are answered as ever, and the log says what was lost', async (name) => {
    const [respond, reason, variables] = FAULTY[name] ?? [];
    collector = await startCollector(respond);
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...variables });
    expect(await ask(FLOWER)).toBe(200);
    await collector.until(() => collector?.requests.length === 2);
    expect(await ask(FLOWER)).toBe(200); // it has not answered yet, or is being left alone
    const warning = await lineOf('the collector of OpenTelemetry fails');
    expect(warning).toMatchObject({
      level: 'WARN',
      failures: [{ message: expect.stringMatching(/of 1 requests were lost/) }],
    });
    expect(JSON.stringify(warning)).toContain(reason);
    const before = collector.requests.length;
    expect(await ask(FLOWER)).toBe(200);
    expect(collector.requests).toHaveLength(before);
  });

  it('has a certificate that cannot be read, the log names its file', async () => {
    const certificate = join(directory, 'missing.pem');
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://127.0.0.1:1', OTEL_EXPORTER_OTLP_CERTIFICATE: certificate });
    expect(await ask(FLOWER)).toBe(200);
    expect(JSON.stringify(await lineOf('the collector of OpenTelemetry fails'))).toContain(`open '${certificate}'`);
  });

  it('is down, too', async () => {
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    expect(await ask(FLOWER)).toBe(200);
    expect(JSON.stringify(await lineOf('the collector of OpenTelemetry fails'))).toContain('ECONNREFUSED');
  });
});

describe('a function without a collector', () => {
  it('sends nothing, and logs the id of the trace that a request names', async () => {
    await deploy({ OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    expect(await ask(FLOWER, { traceparent: `00-${TRACE}-${CALLER}-00` })).toBe(200);
    expect(await ask(FLOWER, { 'x-amzn-trace-id': 'Root=1-67891233-abcdef012345678912345678' })).toBe(200);
    expect(await ask({ inputs: 'wrong' }, { traceparent: `00-${TRACE}-${CALLER}-01` })).toBe(422);
    expect(await ask(FLOWER, { traceparent: 'x' })).toBe(200);
    const answered = await deployed?.untilLogged('request', 3);
    expect(answered?.map(({ traceId }) => traceId)).toEqual([TRACE, '67891233abcdef012345678912345678', undefined]);
    expect(await lineOf('request refused')).toMatchObject({ traceId: TRACE });
  });
});

it('npm start names a variable that is wrong, before a function starts', async () => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = 'localhost:4318';
  try {
    const start = startWithSamples(join(directory, 'wrong'));
    await expect(start).rejects.toThrow('OTEL_EXPORTER_OTLP_ENDPOINT is localhost:4318, expected an address such as');
  } finally {
    Reflect.deleteProperty(process.env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  }
});

it('npm start sends to the collector that its variables name, without waiting for a further request', async () => {
  collector = await startCollector();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.endpoint;
  try {
    const server = await startWithSamples(join(directory, 'local'));
    const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` };
    const post = () =>
      fetch(`${server.endpoint}/models/iris`, { method: 'POST', body: JSON.stringify(FLOWER), headers });
    const predictions = () => collector?.spans.filter(({ parentSpanId }) => parentSpanId === CALLER).length ?? 0;
    await post();
    await post();
    await collector.until(() => predictions() === 2);
    await server.stop();
  } finally {
    Reflect.deleteProperty(process.env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  }
});
