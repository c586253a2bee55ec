import type { Identify } from '../access/identify.ts';
import { createQuotas } from '../access/quotas.ts';
import type { Identity } from '../access/scope.ts';
import type { ApplicationOptions } from '../http/application.ts';
import { authoriseByScopes } from '../http/authorise.ts';
import { createSpendingLimit } from '../monitoring/spending/spending-limit.ts';
import type { Serving } from '../serving/serving.ts';
import type { Auth, Config } from './configuration.ts';

/** With `aws_iam` and `none`, the gateway in front of the function decides alone. A table makes the compiler ask about a further kind. */
const CHECKS: Record<Auth, { readonly scopes: boolean; readonly quotas: boolean; readonly spending: boolean }> = {
  aws_iam: { scopes: false, quotas: false, spending: false },
  none: { scopes: false, quotas: false, spending: true },
  jwt: { scopes: true, quotas: false, spending: true },
  key: { scopes: true, quotas: true, spending: true },
  key_or_jwt: { scopes: true, quotas: true, spending: true },
};

/** The parameters of a stage that say who is let in, and up to what cost. */
export type AccessSettings = Pick<Config, 'jwtScopePrefix' | 'maxMonthlyDollars' | 'routingTtlMs'>;

const NO_LIMIT = { maxMonthlyDollars: 0, routingTtlMs: 0 } as const;

/** A verdict is twice as old at most, so that a limit that is reached ends requests within a minute. */
const SPENDING_TTL_MS = 30_000;

/** The checks of the application itself, for HTTP, jobs and streams alike. */
export const applicationOptions = (
  auth: Auth,
  { data, background, telemetry }: Serving,
  { maxMonthlyDollars, routingTtlMs }: Pick<AccessSettings, 'maxMonthlyDollars' | 'routingTtlMs'> = NO_LIMIT,
): ApplicationOptions => {
  const checks = CHECKS[auth];
  const { defer, hold } = background;
  const ttlMs = Math.min(routingTtlMs, SPENDING_TTL_MS);
  const { warned } = telemetry;
  return {
    ...(checks.scopes && { authorise: authoriseByScopes }),
    ...(checks.quotas && { quotas: createQuotas({ data, defer, warned }) }),
    ...(checks.spending &&
      maxMonthlyDollars > 0 && { spending: createSpendingLimit({ data, maxMonthlyDollars, ttlMs, hold, warned }) }),
  };
};

const BEARER = /^Bearer +(\S+)$/i;

/** Tells whether a function without an authorizer in front of it can find out who calls. */
export const identifiesItself = (auth: Auth): boolean => CHECKS[auth].scopes;

/** The holder of the key or the token in the headers; undefined without a valid one. @throws `MODEL_UNAVAILABLE` when the keys cannot be read */
export const identifyCaller = async (
  identify: Identify,
  { authorization }: Readonly<Record<string, unknown>>,
): Promise<Identity | undefined> => {
  const credential = typeof authorization === 'string' ? BEARER.exec(authorization)?.[1] : undefined;
  return credential === undefined ? undefined : identify(credential);
};
