import { ServingError } from '../core/errors.ts';
import { shorten } from '../core/show.ts';
import { assertModelName } from '../repository/keys.ts';

/** The kinds of work that a caller may be allowed. */
export const OPERATIONS = ['predict', 'feedback', 'jobs', 'admin'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Requests that a key may make; any number where a limit is left out. */
export interface Quota {
  readonly keyId: string;
  readonly perSecond?: number | undefined;
  readonly perDay?: number | undefined;
}

/** A caller that was identified. */
export interface Identity {
  /** The person or the program that holds the key or the token. */
  readonly holder: string;
  /** The rights of the caller: `predict` for all models, `predict:iris` for one. */
  readonly scopes: readonly string[];
  /** Undefined for a caller whose requests are not counted. */
  readonly quota?: Quota | undefined;
}

const isOperation = (text: string): text is Operation => OPERATIONS.some((operation) => operation === text);

/** The scope of an operation on a model, or on all models. */
export const toScope = (operation: string, model: string | undefined): string => {
  if (!isOperation(operation))
    throw new ServingError(
      'INVALID_REQUEST',
      `operation ${shorten(operation)} is not known, expected ${OPERATIONS.join(', ')}`,
    );
  if (model === undefined) return operation;
  assertModelName(model);
  return `${operation}:${model}`;
};

/** The holder of a token. The name of a key's holder has no colon, so that no subject is taken for one. */
export const tokenHolder = (subject: string): string => `jwt:${subject}`;

/** The words of a claim, which is a text or a list. API Gateway makes the text `[a b]` of a list. */
const wordsOf = (claim: unknown): string[] =>
  [claim].flat().flatMap((text) => (typeof text === 'string' ? text.replace(/^\[(.*)\]$/, '$1').split(' ') : []));

/**
 * The scopes of a token: those of `scope` (RFC 8693), and of `scp`, as Microsoft Entra and Okta call it.
 * @param prefix the name of the service before each of its scopes, such as `onnx/`: others do not count
 */
export const scopesOfClaims = (claims: Readonly<Record<string, unknown>>, prefix: string): string[] =>
  [claims.scope, claims.scp]
    .flatMap(wordsOf)
    .filter((word) => word.startsWith(prefix))
    .map((word) => word.slice(prefix.length))
    .filter((scope) => scope !== '');

/** Tells whether `scopes` allow the operation on a model; without a model, on all of them. */
export const isAllowed = (scopes: readonly string[], operation: Operation, model: string | undefined): boolean =>
  scopes.includes(operation) || (model !== undefined && scopes.includes(`${operation}:${model}`));
