import { shorten, show } from '../core/show.ts';
import { assertTokens } from './assert-tokens.ts';
import { PARAMETER_RULES } from './parameter-rules.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** Parameters that another one needs, when it has a value. An empty one turns nothing on. */
const NEEDS: readonly { readonly name: string; readonly value?: string; readonly needs: readonly string[] }[] = [
  { name: 'network', value: 'vpc', needs: ['subnets', 'securityGroups'] },
  { name: 'encryption', value: 'customer', needs: ['kmsKey'] },
  { name: 'cors', value: 'on', needs: ['corsOrigins'] },
  { name: 'domain', needs: ['certificate'] },
];

const refuse = (name: string, value: unknown, expected: string): never => {
  throw new Error(`the parameter ${name} is ${show(value)}, expected ${expected}`);
};

/** Each parameter is right, but do they fit together? */
const assertTogether = (parameters: Parameters): void => {
  for (const { name, value, needs } of NEEDS) {
    const given = parameters[name];
    if (value === undefined ? !given : given !== value) continue;
    const missing = needs.find((need) => parameters[need] === '');
    if (missing !== undefined)
      refuse(missing, '', `with ${name}=${given} ${PARAMETER_RULES[missing]?.expected ?? 'a value'}`);
  }
  assertTokens(parameters);
};

/** A variable that is not resolved yet. */
const isPending = (value: unknown): boolean => JSON.stringify(value).includes('${');

/**
 * Refuses stage parameters with which a deployment would fail, or be another one than was meant. Values with variables pass.
 * @param parameters by name
 * @param known names of parameters that a service has of its own
 * @throws Error that names the parameter, what came and what was expected
 */
export const assertParameters = (parameters: Parameters, known: readonly string[]): void => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null);
  const unknown = given.find(([name]) => !known.includes(name))?.[0];
  if (unknown !== undefined)
    throw new Error(`there is no parameter ${shorten(unknown)}. There are: ${[...known].sort().join(', ')}`);
  for (const [name, value] of given) {
    const rule = Object.hasOwn(PARAMETER_RULES, name) ? PARAMETER_RULES[name] : undefined;
    if (rule !== undefined && !isPending(value) && !rule.accepts(value)) refuse(name, value, rule.expected);
  }
  if (!given.some(([, value]) => isPending(value))) assertTogether(parameters);
};
