import { isUtf8 } from 'node:buffer';
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { LOCAL_ACCOUNT } from '../../src/core/aws-defaults.ts';

/** The addressee of a request. */
export interface HttpTarget {
  readonly apiId: string;
  readonly domainName: string;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  /** An HTTP API decodes the path; a function URL hands it on as it came. */
  readonly decodesPath: boolean;
}

/** The body types that an HTTP API hands on as text; it encodes every other one, and none, as base64. */
const TEXT = /^(text\/.*|application\/(json|javascript|xml))\s*(;|$)/i;
/** Between the client and the gateway only; and cookies, which have a field of their own. */
const NOT_FORWARDED = new Set(['connection', 'keep-alive', 'expect', 'transfer-encoding', 'cookie']);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Writes a time in the form of access logs: `12/Mar/2026:19:03:58 +0000`. */
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
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const earlier = joined.get(name);
    joined.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries(joined);
};

/**
 * Makes the event of a request, in payload format 2.0. `rawQueryString` stays encoded, as on AWS.
 * @throws URIError when the path cannot be decoded.
 */
export const toHttpEvent = (request: IncomingMessage, body: Buffer, target: HttpTarget): APIGatewayProxyEventV2 => {
  const { apiId, domainName, routeKey, pathParameters, decodesPath } = target;
  const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const decoded = decodeURIComponent(path);
  const rawPath = decodesPath ? decoded : path;
  const sourceIp = request.socket.remoteAddress ?? '';
  const headers = headersOf(request, sourceIp, body.byteLength);
  // What is no text cannot become a string, whatever its type says.
  const isText = TEXT.test(headers['content-type'] ?? '') && isUtf8(body);
  const now = new Date();
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: query,
    ...(request.headers.cookie && { cookies: request.headers.cookie.split(/;\s*/) }),
    headers,
    ...(query && { queryStringParameters: joinParameters(query) }),
    requestContext: {
      accountId: LOCAL_ACCOUNT,
      apiId,
      domainName,
      domainPrefix: apiId,
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: logTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    ...(body.byteLength > 0 && { body: isText ? body.toString() : body.toString('base64') }),
    isBase64Encoded: body.byteLength > 0 && !isText,
  };
};
