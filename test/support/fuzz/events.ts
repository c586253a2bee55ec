import fc from 'fast-check';
import { isObject } from '../../../src/core/is-object.ts';
import type { FuzzedRequest } from './requests.ts';

/** The event of a request in each form that a gateway has. */
const FORMATS: Readonly<Record<string, (request: FuzzedRequest) => Record<string, unknown>>> = {
  '2.0': ({ path, query, headers, body }) => ({
    ...{ version: '2.0', routeKey: 'ANY /{proxy+}', rawPath: path, rawQueryString: query, headers },
    requestContext: {
      ...{ apiId: 'a', domainName: 'a.execute-api.us-east-1.amazonaws.com', stage: '$default', requestId: 'r' },
      ...{ http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' }, timeEpoch: Date.now() },
    },
    ...{ pathParameters: { proxy: path.slice(1) }, body: Buffer.from(body).toString('base64'), isBase64Encoded: true },
  }),
  '1.0': ({ path, query, headers, body }) => ({
    ...{ version: '1.0', resource: '/{proxy+}', path, httpMethod: 'POST', headers },
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    requestContext: { stage: '$default', requestId: 'r', requestTimeEpoch: Date.now() },
    ...{ body: Buffer.from(body).toString('utf8'), isBase64Encoded: false },
  }),
  'load balancer': ({ path, query, headers, body }) => ({
    requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/b' } },
    ...{ httpMethod: 'POST', path, headers, queryStringParameters: Object.fromEntries(new URLSearchParams(query)) },
    ...{ body: Buffer.from(body).toString('base64'), isBase64Encoded: true },
  }),
};

const deep = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

/** Values in the place of any other. JSON has no functions, but it has objects whose properties have their names. */
const ODD = fc.constantFrom<unknown>(
  ...[null, true, false, '', 0, -1, 1e308, 'a\r\nset-cookie: b', '\u0000', '\ufeff{}', '%', '%zz', '__proto__', [], {}],
  ...[{ toString: 5 }, { toString: null, valueOf: null }, [{ toString: 5 }], { length: 1e9 }, deep(500)],
  ...[JSON.parse('{"__proto__":{"polluted":1}}'), 'a'.repeat(100_000), 'chunked', '0', '999999999999', 'gzip, gzip'],
);

const NAMES = [
  'content-length',
  'Content-Length',
  'transfer-encoding',
  'content-encoding',
  'x-request-id',
  'constructor',
];

type Path = readonly string[];

const DEEPEST = 8;

/** The paths of the values in a document. */
const pathsOf = (value: unknown, path: Path = []): Path[] => [
  path,
  ...((isObject(value) || Array.isArray(value)) && path.length < DEEPEST
    ? Object.entries(value).flatMap(([name, child]) => pathsOf(child, [...path, name]))
    : []),
];

/** The document with the value at a path replaced; undefined removes it. */
const replaceAt = (document: unknown, [name, ...rest]: Path, value: unknown): unknown => {
  if (name === undefined) return value;
  if (Array.isArray(document))
    return document.map((each, index) => (String(index) === name ? replaceAt(each, rest, value) : each));
  return isObject(document) ? { ...document, [name]: replaceAt(document[name], rest, value) } : document;
};

const tryJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** A text that is JSON, such as the body of a message, is changed within. */
const changeWithin = (document: unknown, path: Path, at: number, odd: unknown): unknown => {
  const value = path.reduce<unknown>(
    (node, name) => (isObject(node) || Array.isArray(node) ? Object(node)[name] : node),
    document,
  );
  if (typeof value !== 'string' || !/^[[{]/.test(value) || at % 2 === 0) return replaceAt(document, path, odd);
  if (at % 3 === 0) return replaceAt(document, path, value.slice(0, at % value.length));
  const inner = tryJson(value);
  const paths = pathsOf(inner);
  return replaceAt(document, path, JSON.stringify(replaceAt(inner, paths[at % paths.length] ?? [], odd)));
};

/** An event with up to three values in the place of others, headers that contradict each other, or a name beside those that there are. */
export const brokenEvents = (event: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      event,
      fc.array(fc.tuple(fc.nat(), ODD), { maxLength: 3 }),
      fc.option(fc.tuple(fc.constantFrom(...NAMES), ODD)),
    )
    .map(([whole, changes, header]) => {
      const changed = changes.reduce((document, [at, odd]) => {
        const paths = pathsOf(document);
        return changeWithin(document, paths[at % paths.length] ?? [], at, odd);
      }, whole);
      if (header === null || !isObject(changed) || !isObject(changed.headers)) return changed;
      return { ...changed, headers: { ...changed.headers, [header[0]]: header[1] } };
    });

/** Requests as events of each gateway. */
export const requestEvents = (requests: fc.Arbitrary<FuzzedRequest>): fc.Arbitrary<unknown> =>
  fc.tuple(requests, fc.constantFrom(...Object.values(FORMATS))).map(([request, toEvent]) => toEvent(request));
