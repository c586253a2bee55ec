import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';

/** The values of `auth` with which tokens are checked. */
const TAKE_TOKENS: readonly unknown[] = ['jwt', 'key_or_jwt'];

/**
 * Refuses a stage that takes tokens of nobody: its authorizer would not start, and let in no key either.
 * @param access the stage parameters `auth`, `jwtIssuer` and `jwtAudience`
 * @throws Error that names a wrong parameter
 */
export const assertTokens = (access: unknown): void => {
  const { auth, jwtIssuer, jwtAudience } = isObject(access) ? access : {};
  if (!TAKE_TOKENS.includes(auth)) return;
  if (typeof jwtIssuer !== 'string' || !/^https?:$/.test(URL.parse(jwtIssuer)?.protocol ?? ''))
    throw new Error(`the parameter jwtIssuer is ${show(jwtIssuer)}, expected with auth=${auth} the URL of an issuer`);
  if (jwtAudience === '')
    throw new Error(`the parameter jwtAudience is "", expected with auth=${auth} the audience that a token names`);
};
