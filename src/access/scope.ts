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

/** The scopes in the claim of a token. Many issuers put the name of the service before one: `onnx/predict`. */
export const scopesOfClaim = (claim: unknown): string[] =>
  (typeof claim === 'string' ? claim : '').split(' ').map((text) => text.slice(text.lastIndexOf('/') + 1));

/** Tells whether `scopes` allow the operation on a model; without a model, on all of them. */
export const isAllowed = (scopes: readonly string[], operation: Operation, model: string | undefined): boolean =>
  scopes.includes(operation) || (model !== undefined && scopes.includes(`${operation}:${model}`));
