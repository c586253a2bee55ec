import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';

/** The method that a route has to have: HEAD is GET, less the body. */
export const routedMethod = (method: string): string => (method === 'HEAD' ? 'GET' : method);

/** The header `allow` of routes with these methods. */
export const toAllow = (methods: readonly string[]): string =>
  methods.flatMap((method) => (method === 'GET' ? [method, 'HEAD'] : [method])).join(', ');

/** @param allow the header `allow` of the answer */
export const notAllowed = (method: string, path: string, allow: string): ServingError =>
  new ServingError('METHOD_NOT_ALLOWED', `${shorten(method)} is not allowed on ${shorten(path)}, use ${allow}`);
