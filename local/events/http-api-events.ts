import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { startHttpApi } from '../gateway/http-api.ts';
import { createRouter, parseRoute, type Route } from '../gateway/routes.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';

const routeSchema = v.object(
  { method: v.optional(v.string(), '*'), path: v.string() },
  ({ input }) => `${show(input)}, expected "<method> <path>", "*" or { method, path }`,
);

/** `GET /models` is short for a method and a path, `*` for every request. */
const readRoute = (value: unknown): Route => {
  if (typeof value !== 'string') return parseRoute(parseSettings(routeSchema, value));
  const [, method = '*', path = value] = /^(\S+) (\S+)$/.exec(value) ?? [];
  return parseRoute({ method, path });
};

/** The routes of the one HTTP API, which answers 404 when there are none. */
export const httpApiEvents: EventKind = (events) => {
  const routes = readEach(events, readRoute);
  const findRoute = createRouter(routes);
  return async ({ port, invocable }) => {
    const { endpoint, stop } = await startHttpApi({
      port,
      findRoute,
      invoke: ({ functionName }, event) => invocable(functionName).invoke(event),
    });
    const served = routes.map(({ functionName, routeKey }) => ({ functionName, description: routeKey }));
    return { addresses: { endpoint }, served, stop };
  };
};
