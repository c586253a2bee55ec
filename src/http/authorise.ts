import { isAllowed } from '../access/scope.ts';
import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import type { Authorise } from './route.ts';

/**
 * Checks the scopes of the caller whom an authorizer has identified: for requests, for streams, and for the uploads they refer to.
 * @throws `UNAUTHORIZED` without an identity; `FORBIDDEN` when its scopes do not suffice
 */
export const authoriseByScopes: Authorise = ({ context: { identity }, route: { operation }, parameters }) => {
  if (identity === undefined)
    throw new ServingError(
      'UNAUTHORIZED',
      'the request has no valid key or token; send one: authorization: Bearer <key>',
    );
  const { name } = parameters;
  if (operation === 'none' || isAllowed(identity.scopes, operation, name)) return;
  const what = name === undefined ? 'all models' : `model ${shorten(name)}`;
  const needed = name === undefined ? operation : `${operation} or ${operation}:${shorten(name)}`;
  throw new ServingError(
    'FORBIDDEN',
    `the caller may not use the operation ${operation} on ${what}; it takes the scope ${needed}`,
  );
};
