import { TrieRouter } from 'hono/router/trie-router';
import { ServingError } from '../core/errors.ts';
import { startStopwatch } from '../core/stopwatch.ts';
import type { Serving } from '../serving/serving.ts';
import type { Observation } from '../serving/telemetry.ts';
import { errorResponse } from './errors.ts';
import type { HttpRequest, HttpResponse, RequestContext } from './message.ts';
import { openInferenceRoutes } from './open-inference-routes.ts';
import type { Route } from './route.ts';
import { taskRoutes } from './task-routes.ts';

/** The HTTP application: the task API below `/models`, the Open Inference Protocol below `/v2`. It answers every request, faults included. */
export type Application = (request: HttpRequest, context: RequestContext) => Promise<HttpResponse>;

/** Routes are found by path alone, so that a wrong method can be told apart. */
const ANY = 'ALL';

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no model has such a name, and the error can quote it
  }
};

const createFindRoute = (routes: readonly Route[]) => {
  const router = new TrieRouter<Route>();
  for (const route of routes) for (const path of route.paths) router.add(ANY, path, route);
  return (path: string) => {
    const [[[route, encoded] = []] = []] = router.match(ANY, path) as [[Route, Readonly<Record<string, string>>][]];
    if (route === undefined)
      throw new ServingError('NOT_FOUND', `no route ${path}; there are /models, /models/{name} and /v2`);
    const parameters = Object.fromEntries(Object.entries(encoded ?? {}).map(([name, text]) => [name, decode(text)]));
    return { route, parameters };
  };
};

export const createApplication = (serving: Serving): Application => {
  const findRoute = createFindRoute([...taskRoutes(serving), ...openInferenceRoutes(serving)]);

  const respond = async (request: HttpRequest, context: RequestContext, observation: Observation) => {
    const { method, path } = request;
    const refuse = (error: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse => {
      const failure = ServingError.from(error);
      observation.failures.push(failure);
      const response = errorResponse(failure, context.requestId, path);
      return { ...response, headers: { ...response.headers, ...headers } };
    };
    try {
      const { route, parameters } = findRoute(path);
      // HEAD is GET, less the body.
      if (route.method !== (method === 'HEAD' ? 'GET' : method)) {
        const problem = `${method} is not allowed on ${path}, use ${route.method}`;
        return refuse(new ServingError('METHOD_NOT_ALLOWED', problem), { allow: route.method });
      }
      observation.operation = `${route.method} ${route.paths[0]}`;
      return await route.handle({ request, parameters, context, observation });
    } catch (error) {
      return refuse(error);
    }
  };

  return async (request, context) => {
    const { requestId } = context;
    const stopwatch = startStopwatch<never>();
    const observation: Observation = { requestId, operation: 'none', stopwatch, batchSize: 0, failures: [] };
    const { status, headers, body } = await respond(request, context, observation);
    serving.telemetry.observed(observation);
    return { status, headers: { ...headers, 'x-request-id': requestId }, body: request.method === 'HEAD' ? '' : body };
  };
};
