import type { Context } from 'aws-lambda';
import { type Identity, type Quota, scopesOfClaims, tokenHolder } from '../access/scope.ts';
import type { Deadline } from '../core/deadline.ts';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { setOwn } from '../core/set-own.ts';
import { show } from '../core/show.ts';
import { errorResponse } from '../http/errors.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { toEncodedPath } from './event-path.ts';

/** Room to answer before Lambda ends the function. */
const MARGIN_MS = 500;

/** The deadline of an invocation. The context is asked each time: `npm start` ends the time of an answer for which nobody waits any more. */
export const invocationDeadline = (context: Context): Deadline => ({
  remainingMs: () => context.getRemainingTimeInMillis() - MARGIN_MS,
});

type JsonObject = Readonly<Record<string, unknown>>;

/** A request as an event carries it. */
export interface HttpEvent {
  readonly request: HttpRequest;
  /** Empty when the event has none. */
  readonly requestId: string;
  /** The time at which the gateway took the request; undefined when the event says none. */
  readonly receivedMs: number | undefined;
  /** The caller, as the authorizer of the gateway has identified it. */
  readonly identity: Identity | undefined;
  /** Payload format 2.0 is of HTTP APIs and function URLs; 1.0 of HTTP APIs, REST APIs and load balancers. */
  readonly format: '1.0' | '2.0';
}

const toObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
const toText = (value: unknown): string => (typeof value === 'string' ? value : '');
const toNumber = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The id stands in a header of the answer and in the log: nothing but printable ASCII gets there. */
const toRequestId = ({ requestId }: JsonObject): string =>
  typeof requestId === 'string' && /^[\x21-\x7e]{1,128}$/.test(requestId) ? requestId : '';

const BODYLESS = new Set(['GET', 'HEAD']);

/** Text that is not base64 stays the string that it is. An event may have `null` for an empty body. */
const toReadBody =
  ({ body, isBase64Encoded }: JsonObject, method: string): HttpRequest['readBody'] =>
  () => {
    if (BODYLESS.has(method)) return '';
    return isBase64Encoded ? Buffer.from(toText(body), 'base64') : toText(body);
  };

/** The text of a string, a number or a boolean. No gateway sends anything else, and an object may have no text. */
const toWord = (value: unknown): string => (typeof value === 'object' ? '' : String(value));

/** By lower-case name; the values of a list as one. */
const toHeaders = ({ headers, multiValueHeaders }: JsonObject): HttpRequest['headers'] => {
  const given = toObject(headers ?? multiValueHeaders);
  const byName: Record<string, string> = {};
  for (const name of Object.keys(given)) {
    const value = given[name];
    setOwn(byName, name.toLowerCase(), typeof value === 'string' ? value : [value].flat().map(toWord).join(','));
  }
  return byName;
};

/** The query of payload format 1.0, which has it in parts. A load balancer leaves names and values encoded. */
const joinQuery = (event: JsonObject, isEncoded: boolean): string => {
  const { queryStringParameters, multiValueQueryStringParameters } = event;
  const pairs = Object.entries(toObject(multiValueQueryStringParameters ?? queryStringParameters)).flatMap(
    ([name, values]) => [values].flat().map((value): [string, string] => [name, toWord(value)]),
  );
  return isEncoded ? pairs.map(([name, value]) => `${name}=${value}`).join('&') : new URLSearchParams(pairs).toString();
};

/** The limits of a key; the gateway may have made text of numbers. */
const readQuota = ({ keyId, perSecond, perDay }: JsonObject): Quota | undefined => {
  const toLimit = (value: unknown): number | undefined => (Number(toWord(value)) >= 1 ? Number(value) : undefined);
  return typeof keyId === 'string' ? { keyId, perSecond: toLimit(perSecond), perDay: toLimit(perDay) } : undefined;
};

/** The principal of a signed request, the fields of a Lambda authorizer's context, or the claims of a token that API Gateway has verified. */
const readIdentity = ({ lambda, jwt, iam }: JsonObject, scopePrefix: string): Identity | undefined => {
  // `AROA…:<session>` for a role, whose sessions are one caller. IAM has checked the rights.
  if (isObject(iam)) return { holder: toText(iam.callerId).replace(/:.*$/, ''), scopes: [] };
  if (isObject(lambda))
    return { holder: toText(lambda.holder), scopes: toText(lambda.scopes).split(' '), quota: readQuota(lambda) };
  if (!isObject(jwt)) return undefined;
  const claims = toObject(jwt.claims);
  if (toText(claims.sub) === '') return undefined; // all tokens without a subject would be one caller
  return { holder: tokenHolder(toText(claims.sub)), scopes: scopesOfClaims(claims, scopePrefix) };
};

/** The path in a key such as `ANY /{proxy+}`. */
const toTemplate = (routeKey: string): string => routeKey.slice(routeKey.indexOf(' ') + 1);

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
const readFormat2 = (event: JsonObject, context: JsonObject, http: JsonObject, scopePrefix: string): HttpEvent => {
  const method = toText(http.method);
  const path = toEncodedPath({
    path: toText(event.rawPath),
    isDecoded: !toText(context.domainName).includes('.lambda-url.'),
    template: toTemplate(toText(event.routeKey)),
    parameters: toObject(event.pathParameters),
    stage: toText(context.stage),
  });
  return {
    request: {
      ...{ method, path, query: toText(event.rawQueryString) },
      ...{ headers: toHeaders(event), readBody: toReadBody(event, method) },
    },
    requestId: toRequestId(context),
    receivedMs: toNumber(context.timeEpoch),
    identity: readIdentity(toObject(context.authorizer), scopePrefix),
    format: '2.0',
  };
};

const readFormat1 = (event: JsonObject, context: JsonObject): HttpEvent => {
  const method = toText(event.httpMethod);
  const path = toEncodedPath({
    path: toText(event.path),
    isDecoded: event.version === '1.0',
    template: toText(event.resource),
    parameters: toObject(event.pathParameters),
    stage: toText(context.stage),
  });
  return {
    request: {
      ...{ method, path, query: joinQuery(event, 'elb' in context) },
      ...{ headers: toHeaders(event), readBody: toReadBody(event, method) },
    },
    requestId: toRequestId(context),
    receivedMs: toNumber(context.requestTimeEpoch),
    identity: undefined,
    format: '1.0',
  };
};

/**
 * The request in an event of API Gateway, of a function URL or of a load balancer; undefined for any other event.
 * @param scopePrefix the name of this service before the scopes of a token
 */
export const readHttpEvent = (event: unknown, scopePrefix = ''): HttpEvent | undefined => {
  if (!isObject(event)) return undefined;
  const context = toObject(event.requestContext);
  if (isObject(context.http)) return readFormat2(event, context, context.http, scopePrefix);
  return typeof event.httpMethod === 'string' ? readFormat1(event, context) : undefined;
};

/** The answer to an event without a request. The invocation succeeds, so that a schedule can keep a function warm. */
export const refuseEvent = (event: unknown, { awsRequestId }: Context): HttpResponse => {
  const came = isObject(event) ? `an event with ${show(Object.keys(event))}` : `the event ${show(event)}`;
  const problem =
    `${came} holds no HTTP request; expected an event of API Gateway (payload format 2.0 or 1.0), of a function URL or of a load ` +
    'balancer; events/infer.json is one';
  return errorResponse(new ServingError('INVALID_REQUEST', problem), awsRequestId, '');
};
