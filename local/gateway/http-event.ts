import { isUtf8 } from 'node:buffer';
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string | readonly string[]>;
  readonly body: string | Buffer;
}

/** The body types that an HTTP API hands on as text; it encodes every other one, and none, as base64. */
const TEXT = /^(text\/.*|application\/(json|javascript|xml))\s*(;|$)/i;
/** Between the client and the gateway only; and cookies, which have a field of their own. */
const NOT_FORWARDED = new Set(['connection', 'keep-alive', 'expect', 'transfer-encoding', 'cookie']);
/** The one route of serverless.yml. */
const ROUTE_KEY = 'ANY /{proxy+}';
const DOMAIN = 'local.execute-api.us-east-1.amazonaws.com';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As in an access log: `12/Mar/2026:19:03:58 +0000`. */
const logTime = (date: Date): string => {
  const day = String(date.getUTCDate()).padStart(2, '0');
  return `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${date.toISOString().slice(11, 19)} +0000`;
};

const headersOf = (request: IncomingMessage, sourceIp: string, sizeBytes: number): Record<string, string> => {
  const sent = Object.entries(request.headersDistinct).filter(([name]) => !NOT_FORWARDED.has(name));
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return {
    ...Object.fromEntries(sent.map(([name, values = []]) => [name, values.join(',')])),
    'content-length': String(sizeBytes),
    'x-amzn-trace-id': `Root=1-${seconds}-${randomBytes(12).toString('hex')}`,
    'x-forwarded-for': sourceIp,
    'x-forwarded-port': String(request.socket.localPort),
    'x-forwarded-proto': 'http',
  };
};

const joinParameters = (query: string): Record<string, string> => {
  const joined: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query))
    joined[name] = name in joined ? `${joined[name]},${value}` : value;
  return joined;
};

/**
 * What an HTTP API makes of a request, in payload format 2.0. As there, `rawPath` is decoded and `rawQueryString` is not.
 * @throws URIError when the path cannot be decoded.
 */
export const toHttpEvent = (request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 => {
  const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const rawPath = decodeURIComponent(path);
  const sourceIp = request.socket.remoteAddress ?? '';
  const headers = headersOf(request, sourceIp, body.byteLength);
  // What is no text cannot become a string, whatever its type says.
  const isText = TEXT.test(headers['content-type'] ?? '') && isUtf8(body);
  const now = new Date();
  return {
    version: '2.0',
    routeKey: ROUTE_KEY,
    rawPath,
    rawQueryString: query,
    ...(request.headers.cookie && { cookies: request.headers.cookie.split(/;\s*/) }),
    headers,
    ...(query && { queryStringParameters: joinParameters(query) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: DOMAIN,
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: ROUTE_KEY,
      stage: '$default',
      time: logTime(now),
      timeEpoch: now.getTime(),
    },
    pathParameters: { proxy: rawPath.slice(1) },
    ...(body.byteLength > 0 && { body: isText ? body.toString() : body.toString('base64') }),
    isBase64Encoded: body.byteLength > 0 && !isText,
  };
};

const isStructured = (result: unknown): result is APIGatewayProxyStructuredResultV2 =>
  typeof result === 'object' && result !== null && 'statusCode' in result;

/** What an HTTP API answers for what a function returned; without a `statusCode` that is the body of a 200, as JSON. */
export const toHttpAnswer = (result: unknown): HttpAnswer => {
  if (!isStructured(result)) {
    const body = typeof result === 'string' ? result : JSON.stringify(result);
    return { status: 200, headers: new Map([['content-type', 'application/json']]), body };
  }
  const { statusCode = 200, headers = {}, cookies, body = '', isBase64Encoded = false } = result;
  return {
    status: statusCode,
    headers: new Map<string, string | readonly string[]>([
      ['content-type', 'text/plain;charset=UTF-8'],
      ...Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]),
      ...(cookies ? [['set-cookie', cookies] as [string, string[]]] : []),
    ]),
    body: isBase64Encoded ? Buffer.from(body, 'base64') : body,
  };
};
