import type { IncomingMessage } from 'node:http';
import { type CorsSettings, HTTP_API_ID } from '../service/service.ts';
import type { HttpHead } from './http-answer.ts';

type Headers = HttpHead['headers'];

const NONE: Headers = new Map();
const SEPARATOR = ', ';

/** The methods that a page may send; a preflight request asks for one of them. */
const takes = (request: IncomingMessage, { methods }: CorsSettings): boolean =>
  isPreflight(request) || methods.includes(request.method ?? '');

/** True for the request by which a browser asks whether a page may send another one. https://fetch.spec.whatwg.org/#cors-preflight-request */
const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

/** The headers for the page of an allowed origin; none for any other page. */
const headersFor = ({ headers: { origin } }: IncomingMessage, cors: CorsSettings): Headers =>
  origin !== undefined && (cors.origins.includes('*') || cors.origins.includes(origin))
    ? new Map([
        ['access-control-allow-origin', origin],
        ['access-control-expose-headers', cors.exposedHeaders.join(SEPARATOR)],
        ['vary', 'origin'],
      ])
    : NONE;

const preflightHeaders = (request: IncomingMessage, cors: CorsSettings): Headers => {
  const allowed = headersFor(request, cors);
  if (allowed.size === 0) return NONE;
  return new Map([
    ...allowed,
    ['access-control-allow-methods', cors.methods.join(SEPARATOR)],
    ['access-control-allow-headers', cors.headers.join(SEPARATOR)],
    ['access-control-max-age', String(cors.maxAgeSeconds)],
  ]);
};

/**
 * The settings with the origins of pages of the HTTP API, by both names of this machine.
 * @param api the address of the HTTP API; empty until it listens
 */
export const withPage = (settings: CorsSettings | undefined, api: string): CorsSettings | undefined =>
  settings && {
    ...settings,
    origins: settings.origins.flatMap((origin) =>
      origin === HTTP_API_ID ? [api, api.replace('127.0.0.1', 'localhost')] : [origin],
    ),
  };

/**
 * Cross-origin requests as an HTTP API and a function URL treat them: they answer preflight requests themselves, and let pages of the
 * allowed origins read each answer. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
export const createCors = (settings: CorsSettings | undefined) => ({
  /** The head of the answer to a preflight request; undefined for any other request. */
  preflight: (request: IncomingMessage): HttpHead | undefined =>
    settings !== undefined && isPreflight(request)
      ? { status: 204, headers: preflightHeaders(request, settings) }
      : undefined,
  /** The headers that an answer has beside its own. */
  headersOf: (request: IncomingMessage): Headers => (settings === undefined ? NONE : headersFor(request, settings)),
  origins: settings?.origins ?? [],
  /** The origins whose pages may send such a request. S3 refuses any other method, which browsers may send without a preflight request. */
  originsOf: (request: IncomingMessage): readonly string[] =>
    settings !== undefined && takes(request, settings) ? settings.origins : [],
});
