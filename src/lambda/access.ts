import type { Identify } from '../access/identify.ts';
import type { Identity } from '../access/scope.ts';
import type { ApplicationOptions } from '../http/application.ts';
import { authoriseByScopes } from '../http/authorise.ts';
import type { Auth } from './configuration.ts';

/** With `aws_iam` and `none`, the gateway in front of the function decides alone. A table makes the compiler ask about a further kind. */
const APPLICATION_OPTIONS: Record<Auth, ApplicationOptions> = {
  ...{ aws_iam: {}, none: {} },
  ...{ key: { authorise: authoriseByScopes }, jwt: { authorise: authoriseByScopes } },
};

export const applicationOptions = (auth: Auth): ApplicationOptions => APPLICATION_OPTIONS[auth];

const BEARER = /^Bearer +(\S+)$/i;

/** The holder of the key in the headers; undefined without a valid one. @throws `MODEL_UNAVAILABLE` when the keys cannot be read */
export const identifyCaller = async (
  identify: Identify,
  { authorization }: Readonly<Record<string, unknown>>,
): Promise<Identity | undefined> => {
  const credential = typeof authorization === 'string' ? BEARER.exec(authorization)?.[1] : undefined;
  return credential === undefined ? undefined : identify(credential);
};
