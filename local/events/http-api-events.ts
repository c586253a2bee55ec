import * as v from 'valibot';
import { show } from '../../src/core/show.ts';
import { startHttpApi } from '../gateway/http-api.ts';
import { createRouter, parseRoute, type Route } from '../gateway/routes.ts';
import type { LambdaAuthorizer, Service } from '../service/service.ts';
import { type EventKind, parseSettings, readEach } from './event-kind.ts';

const routeSchema = v.object(
  {
    method: v.optional(v.string(), '*'),
    path: v.string(),
    /** A name of one under `provider.httpApi.authorizers`. Signatures (`type: aws_iam`) are not checked here. */
    authorizer: v.optional(v.union([v.object({ name: v.string() }), v.object({ type: v.literal('aws_iam') })])),
  },
  ({ input }) => `${show(input)}, expected "<method> <path>", "*" or { method, path }`,
);

interface AuthorizedRoute extends Route {
  readonly authorizer?: LambdaAuthorizer | undefined;
}

/** `GET /models` is short for a method and a path, `*` for every request. */
const readRoute = (value: unknown, authorizers: Service['authorizers']): AuthorizedRoute => {
  if (typeof value === 'string') {
    const [, method = '*', path = value] = /^(\S+) (\S+)$/.exec(value) ?? [];
    return parseRoute({ method, path });
  }
  const { authorizer, ...route } = parseSettings(routeSchema, value);
  if (authorizer === undefined || !('name' in authorizer)) return parseRoute(route);
  const found = authorizers[authorizer.name];
  if (found === undefined)
    throw new Error(`there is no authorizer ${authorizer.name} under provider.httpApi.authorizers`);
  if (found.type === 'jwt')
    throw new Error(
      'npm start does not take auth=jwt; AUTH=key_or_jwt npm start checks tokens, and AUTH=key keys alone',
    );
  return { ...parseRoute(route), authorizer: found };
};

/** The routes of the one HTTP API, which answers 404 when there are none. */
export const httpApiEvents: EventKind = (events, { authorizers, cors }) => {
  const routes = readEach(events, (value) => readRoute(value, authorizers));
  const findRoute = createRouter(routes);
  return async ({ port, invocable }) => {
    const { endpoint, stop } = await startHttpApi({
      port,
      findRoute,
      cors: cors.httpApi,
      invoke: ({ functionName }, event, left) => invocable(functionName).invoke(event, left),
      authorizerOf: ({ authorizer }) =>
        authorizer && {
          identityHeaders: authorizer.identityHeaders,
          invoke: (event) => invocable(authorizer.functionName).invoke(event),
        },
    });
    const served = routes.map(({ functionName, routeKey }) => ({ functionName, description: routeKey }));
    return { addresses: { endpoint }, served, stop };
  };
};
