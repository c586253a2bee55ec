import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { DEFAULT_REGION } from '../../src/core/aws-defaults.ts';
import { HTTP_API_BODY_BYTES, HTTP_API_TIMEOUT_MS, LAMBDA_PAYLOAD_BYTES } from '../../src/core/aws-limits.ts';
import { FunctionError, THROTTLED } from '../functions/function-error.ts';
import { createLocalServer, type Listening, listenLocally } from '../listen-locally.ts';
import type { CorsSettings } from '../service/service.ts';
import { type Authorizer, askAuthorizer } from './authorizer.ts';
import { createCors } from './cors.ts';
import { type HttpAnswer, joinHeaders, refusal, sendAnswer, toHttpAnswer, untilLeft } from './http-answer.ts';
import { toHttpEvent } from './http-event.ts';
import { readBody } from './read-body.ts';
import type { MatchedRoute, Route } from './routes.ts';

export interface HttpApiOptions<R extends Route> {
  /** 0 takes any free port. */
  readonly port: number;
  /** Throws a URIError when the path cannot be decoded. */
  readonly findRoute: (method: string, path: string) => MatchedRoute<R> | undefined;
  /** Invokes the function of a route. `left` aborts when the client waits no more. */
  readonly invoke: (route: R, event: APIGatewayProxyEventV2, left: AbortSignal) => Promise<unknown>;
  /** The authorizer of a route; undefined for a route that lets everybody in. */
  readonly authorizerOf?: (route: R) => Authorizer | undefined;
  /** The pages of other origins that may call; none otherwise. */
  readonly cors?: CorsSettings | undefined;
  /** The time that an HTTP API waits for its function. */
  readonly timeoutMs?: number;
}

const API = {
  ...{ apiId: 'local', domainName: `local.execute-api.${DEFAULT_REGION}.amazonaws.com` },
  decodesPath: true,
};

const BAD_REQUEST = refusal(400, 'Bad Request');
const NOT_FOUND = refusal(404, 'Not Found');
const TOO_LARGE = refusal(413, 'Request Entity Too Large');
const FUNCTION_FAILED = refusal(500, 'Internal Server Error');
const UNAVAILABLE = refusal(503, 'Service Unavailable');

const answerToError = (error: unknown): HttpAnswer =>
  error instanceof FunctionError && error.name === THROTTLED ? UNAVAILABLE : FUNCTION_FAILED;

/** @throws URIError when the path cannot be decoded */
const findTarget = <R extends Route>(
  { method = 'GET', url = '/' }: IncomingMessage,
  { findRoute }: HttpApiOptions<R>,
) => {
  const found = findRoute(method, url.replace(/\?.*/s, ''));
  if (!found) return undefined;
  const { route, pathParameters } = found;
  return { route, target: { ...API, routeKey: route.routeKey, pathParameters } };
};

const withTimeout = (answered: Promise<HttpAnswer>, timeoutMs: number): Promise<HttpAnswer> => {
  const tooSlow = Promise.withResolvers<HttpAnswer>();
  const timer = setTimeout(tooSlow.resolve, timeoutMs, UNAVAILABLE);
  return Promise.race([answered, tooSlow.promise]).finally(() => clearTimeout(timer));
};

/** Functions as API Gateway's HTTP API puts them on the network: its routes, events and limits, and its answers when something is wrong. */
export const startHttpApi = async <R extends Route>(options: HttpApiOptions<R>): Promise<Listening> => {
  const { port, invoke, authorizerOf = () => undefined, timeoutMs = HTTP_API_TIMEOUT_MS } = options;

  const answerTo = async (request: IncomingMessage, left: AbortSignal): Promise<HttpAnswer> => {
    try {
      const found = findTarget(request, options);
      if (!found) return NOT_FOUND;
      const body = await readBody(request, HTTP_API_BODY_BYTES);
      if (!body) return TOO_LARGE;
      const event = toHttpEvent(request, body, found.target);
      if (Buffer.byteLength(JSON.stringify(event)) > LAMBDA_PAYLOAD_BYTES) return TOO_LARGE;
      const authorizer = authorizerOf(found.route);
      const asked = authorizer ? await askAuthorizer(event, authorizer) : { event };
      if ('answer' in asked) return asked.answer;
      return await withTimeout(invoke(found.route, asked.event, left).then(toHttpAnswer, answerToError), timeoutMs);
    } catch (error) {
      if (error instanceof URIError) return BAD_REQUEST;
      throw error;
    }
  };

  const { preflight, headersOf, origins } = createCors(options.cors);
  const server = createLocalServer(
    (request, response) => {
      const asked = preflight(request);
      if (asked) return sendAnswer(request, response, { ...asked, body: '' });
      const send = (answer: HttpAnswer): void =>
        sendAnswer(request, response, { ...answer, headers: joinHeaders(answer.headers, headersOf(request)) });
      // A status or a header that HTTP does not know is the function's fault; a client that has gone gets nothing.
      answerTo(request, untilLeft(response))
        .then(send)
        .catch(() => send(FUNCTION_FAILED));
    },
    () => origins,
  );
  return listenLocally(server, port);
};
