import type { Quotas } from '../access/quotas.ts';
import type { Quota } from '../access/scope.ts';
import { ServingError } from '../core/errors.ts';
import { roundMs, startStopwatch } from '../core/stopwatch.ts';
import { endedStream, endingWith } from '../core/stream.ts';
import { readTraceContext } from '../core/trace-context.ts';
import type { SpendingLimit } from '../monitoring/spending/spending-limit.ts';
import { EVENT_STREAM_TYPE, toEvent } from '../protocol/task-api/event-stream.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import { errorResponse, toErrorDocument } from './errors.ts';
import { feedbackRoutes } from './feedback-routes.ts';
import { createFindRoutes, toRouted } from './find-route.ts';
import { jobRoutes } from './job-routes.ts';
import { kserveV1Routes } from './kserve-v1-routes.ts';
import { type HttpRequest, type HttpResponse, isStream, type RequestContext, withContentDecoded } from './message.ts';
import { notAllowed, routedMethod, toAllow } from './methods.ts';
import { openInferenceRoutes } from './open-inference-routes.ts';
import { openAiRoutes } from './openai/routes.ts';
import { repositoryRoutes } from './repository-routes.ts';
import type { Authorise, Route } from './route.ts';
import { type JobSettings, taskRoutes } from './task-routes.ts';
import { uploadRoutes } from './upload-routes.ts';

/**
 * The HTTP application: the task API below `/models`, the Open Inference Protocol below `/v2`, KServe's first protocol and OpenAI's API
 * below `/v1`. It answers every request, also with a fault.
 */
export type Application = (request: HttpRequest, context: RequestContext) => Promise<HttpResponse>;

export interface ApplicationOptions {
  /** The requests that become jobs. Left out, none does: nobody would run it. */
  readonly jobs?: JobSettings;
  /** Asked before a route reads the request. Left out, every request is allowed. */
  readonly authorise?: Authorise;
  /** Counts the requests of callers with a quota. Left out, nobody's are counted. */
  readonly quotas?: Quotas;
  /** Refuses requests once the month's limit is reached. Left out, none is refused. */
  readonly spending?: SpendingLimit;
}

/** Printable characters of ASCII: the id stands in a header and in the log. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The caller's own id of a request, if it can be repeated. */
const callerRequestId = ({ headers: { 'x-request-id': id } }: HttpRequest): string | undefined =>
  id !== undefined && REQUEST_ID.test(id) ? id : undefined;

/** The times of the steps up to the answer, in milliseconds. https://www.w3.org/TR/server-timing/ */
const serverTiming = ({ stepsMs }: Observation['stopwatch']): Record<string, string> => {
  const steps = Object.entries(stepsMs).map(([step, ms]) => `${step};dur=${roundMs(ms)}`);
  return steps.length > 0 ? { 'server-timing': steps.join(', ') } : {};
};

/**
 * Reports the request once its body has ended. A response to HEAD has none. The status of an event stream is out when the stream fails, so
 * that the error comes as its last event.
 */
const observeEnd = (
  response: HttpResponse,
  { method, path }: HttpRequest,
  { deadline }: RequestContext,
  observation: Observation,
  { observed }: Serving['telemetry'],
): HttpResponse => {
  if (!isStream(response.body)) {
    observed(observation);
    return method === 'HEAD' ? { ...response, body: '' } : response;
  }
  const body = endedStream(response.body, deadline, (error) => {
    if (error !== undefined) observation.failures.push(ServingError.from(error));
    observed(observation);
  });
  const toLastEvent = (error: unknown): Uint8Array =>
    toEvent(toErrorDocument(ServingError.from(error), observation.requestId, path));
  const isEvents = response.headers['content-type'] === EVENT_STREAM_TYPE;
  if (method !== 'HEAD') return { ...response, body: isEvents ? endingWith(body, toLastEvent) : body };
  void body[Symbol.asyncIterator]().return?.();
  return { ...response, body: '' };
};

/** Counts a request, and tells what is left in `headers`. @throws `TOO_MANY_REQUESTS` */
const takeQuota = (quotas: Quotas | undefined, quota: Quota, headers: Record<string, string>): void => {
  const verdict = quotas?.take(quota);
  Object.assign(headers, verdict?.headers);
  if (verdict?.refusal) throw verdict.refusal;
};

/** Requests that need no right, such as those for the health and for one's own jobs, are answered all the same. @throws `TOO_MANY_REQUESTS` */
const assertNotSpent = async (
  spending: SpendingLimit,
  { deadline }: RequestContext,
  headers: Record<string, string>,
): Promise<void> => {
  const seconds = await spending.secondsToWait(deadline);
  if (seconds === undefined) return;
  headers['retry-after'] = String(seconds);
  throw new ServingError(
    'TOO_MANY_REQUESTS',
    `the spending limit of this month is reached; try again in ${seconds} s, when the next month begins in UTC`,
  );
};

/** Every route. `/openapi.json` describes each of them. */
export const createRoutes = (serving: Serving, jobs?: JobSettings): Route[] => [
  ...taskRoutes(serving, jobs),
  ...uploadRoutes(serving),
  ...jobRoutes(serving),
  ...feedbackRoutes(serving),
  ...repositoryRoutes(serving), // `/v2/models/stats` comes before the model of any name
  ...openInferenceRoutes(serving),
  ...openAiRoutes(serving),
  ...kserveV1Routes(serving),
];

export const createApplication = (
  serving: Serving,
  { authorise, jobs, quotas, spending }: ApplicationOptions = {},
): Application => {
  const findRoutes = createFindRoutes(createRoutes(serving, jobs));

  return async (request, context) => {
    const { method } = request;
    const { path, base } = toRouted(request.path);
    const requestId = callerRequestId(request) ?? context.requestId;
    const headers: Record<string, string> = { 'x-request-id': requestId };
    const stopwatch = startStopwatch<never>();
    const observation: Observation = { requestId, operation: 'none', stopwatch, batchSize: 0, failures: [] };
    const trace = readTraceContext(request.headers);
    if (trace) observation.trace = trace;
    if (context.identity) observation.holder = context.identity.holder;
    if (requestId !== context.requestId) observation.gatewayRequestId = context.requestId;
    let response: HttpResponse;
    try {
      if (context.identity?.quota) takeQuota(quotas, context.identity.quota, headers);
      const { found, parameters: named } = findRoutes(path);
      const parameters = { ...named, ...base };
      const route = found.find((each) => each.method === routedMethod(method));
      const [first] = found;
      observation.operation = `${method === 'OPTIONS' ? method : (route ?? first).method} ${first.paths[0]}`;
      if (route === undefined) {
        headers.allow = toAllow(found.map((each) => each.method));
        if (method !== 'OPTIONS') throw notAllowed(method, request.path, headers.allow);
        response = { status: 204, headers: {}, body: '' };
      } else {
        if (spending && route.operation !== 'none') await assertNotSpent(spending, context, headers);
        const access = { request, context, route, parameters };
        await authorise?.(route.findsModel ? { ...access, route: { ...route, operation: 'none' } } : access);
        const assertAllowed = async (name: string): Promise<void> =>
          authorise?.({ ...access, parameters: { ...parameters, name } });
        const decoded = withContentDecoded(request);
        response = await route.handle({ request: decoded, parameters, context, observation, assertAllowed });
      }
    } catch (error) {
      const failure = ServingError.from(error);
      observation.failures.push(failure);
      response = errorResponse(failure, requestId, path, observation.operation !== 'none');
    }
    const complete = { ...response, headers: { ...response.headers, ...headers, ...serverTiming(stopwatch) } };
    return observeEnd(complete, request, context, observation, serving.telemetry);
  };
};
