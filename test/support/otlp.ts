import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fields, readIntegers } from '../../src/onnx/protobuf.ts';

type Attributes = Readonly<Record<string, string | number>>;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  /** 2 for an error. */
  readonly statusCode: number;
  readonly resource: Attributes;
}

/** The sums of a counter, or of a histogram, by its points. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'histogram';
  /** 1 for the figures since the last sending. */
  readonly temporality: number;
  readonly points: readonly { readonly sum: number; readonly count: number; readonly attributes: Attributes }[];
}

/** All values of a field of a message. */
const valuesOf = (message: Buffer): ((number: number) => Buffer[]) => {
  const all = [...fields(message)];
  return (number) => all.filter((field) => field.number === number).map(({ value }) => value);
};

const text = ([value]: readonly Buffer[]): string => value?.toString() ?? '';
const hex = ([value]: readonly Buffer[]): string => value?.toString('hex') ?? '';
const integer = ([value]: readonly Buffer[]): number => Number(value ? readIntegers(value)[0] : 0);
const fixed = ([value]: readonly Buffer[]): bigint => value?.readBigUInt64LE() ?? 0n;
const double = ([value]: readonly Buffer[]): number => value?.readDoubleLE() ?? 0;

const toAttributes = (pairs: readonly Buffer[]): Attributes =>
  Object.fromEntries(
    pairs.map(valuesOf).map((pair) => {
      const value = pair(2).map(valuesOf)[0] ?? (() => []);
      const number = value(4).length > 0 ? double(value(4)) : integer([...value(2), ...value(3)]);
      return [text(pair(1)), value(1).length > 0 ? text(value(1)) : number];
    }),
  );

/** The items of the scopes of each resource, and its attributes. Numbers of fields: https://github.com/open-telemetry/opentelemetry-proto */
const itemsOf = (body: Buffer): { readonly item: (number: number) => Buffer[]; readonly resource: Attributes }[] =>
  valuesOf(body)(1)
    .map(valuesOf)
    .flatMap((group) => {
      const resource = toAttributes(group(1).flatMap((each) => valuesOf(each)(1)));
      const items = group(2).flatMap((scope) => valuesOf(scope)(2));
      return items.map((item) => ({ item: valuesOf(item), resource }));
    });

const readSpans = (body: Buffer): Span[] =>
  itemsOf(body).map(({ item, resource }) => ({
    ...{ traceId: hex(item(1)), spanId: hex(item(2)), parentSpanId: hex(item(4)), name: text(item(5)) },
    ...{ kind: integer(item(6)), start: fixed(item(7)), end: fixed(item(8)), attributes: toAttributes(item(9)) },
    ...{ statusCode: integer(item(15).flatMap((status) => valuesOf(status)(3))), resource },
  }));

const readMetrics = (body: Buffer): Metric[] =>
  itemsOf(body).map(({ item }) => {
    const [sum] = item(7);
    const data = valuesOf(sum ?? item(9)[0] ?? Buffer.alloc(0));
    const points = data(1).map(valuesOf);
    return {
      ...{ name: text(item(1)), unit: text(item(3)), temporality: integer(data(2)) },
      kind: sum ? 'sum' : 'histogram',
      points: points.map((point) =>
        sum
          ? { sum: double(point(4)), count: 1, attributes: toAttributes(point(7)) }
          : { sum: double(point(5)), count: Number(fixed(point(4))), attributes: toAttributes(point(9)) },
      ),
    };
  });

export interface TestCollector {
  readonly endpoint: string;
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  readonly spans: readonly Span[];
  readonly metrics: readonly Metric[];
  /** Resolves when `isSo`, which is asked after each request. */
  until(isSo: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

const accept = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
};

/** A collector on loopback, which decodes what comes. @param respond answers a request in its own way */
export const startCollector = async (respond: (response: ServerResponse) => void = accept): Promise<TestCollector> => {
  const requests: TestCollector['requests'][number][] = [];
  const spans: Span[] = [];
  const metrics: Metric[] = [];
  let whenAsked = (): void => {};
  const server = createServer(async (request, response) => {
    const { url: path = '', headers } = request;
    const body = await buffer(request);
    if (path.endsWith('/v1/traces')) spans.push(...readSpans(body));
    if (path.endsWith('/v1/metrics')) metrics.push(...readMetrics(body));
    requests.push({ path, headers });
    respond(response);
    whenAsked();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, spans, metrics },
    async until(isSo) {
      while (!isSo()) await new Promise<void>((resolve) => (whenAsked = resolve));
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
};
