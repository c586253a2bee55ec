import { parseArgs } from 'node:util';
import { messageOf } from '../src/core/message-of.ts';
import type { LocalScaling } from './local-functions.ts';

export interface StartOptions {
  readonly port: number;
  /** Stage parameters, by name. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly scaling: LocalScaling;
}

const DEFAULT_PORT = 3000;
const USAGE = 'expected npm start -- --param="<name>=<value>", as often as needed';

const readPort = (text: string | undefined): number => {
  const port = Number(text || DEFAULT_PORT);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT is ${text}, expected a number from 0 to 65535`);
};

/** A whole number of a variable; undefined without one. */
const readWhole = (name: string, text: string | undefined, most: number): number | undefined => {
  if (!text) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new Error(`${name} is ${text}, expected a number from 1 to ${most}`);
};

/** `ENVIRONMENTS`, and `IDLE_SECONDS`. */
const readScaling = ({ ENVIRONMENTS, IDLE_SECONDS }: NodeJS.ProcessEnv): LocalScaling => {
  const environments = readWhole('ENVIRONMENTS', ENVIRONMENTS, 100);
  const idleSeconds = readWhole('IDLE_SECONDS', IDLE_SECONDS, 86_400);
  return {
    ...(environments !== undefined && { environments }),
    ...(idleSeconds !== undefined && { idleMs: idleSeconds * 1000 }),
  };
};

/** The message of `parseArgs` without its advice, which speaks of other options. */
const readArguments = (args: readonly string[]): readonly string[] => {
  try {
    return parseArgs({ args: [...args], options: { param: { type: 'string', multiple: true } } }).values.param ?? [];
  } catch (error) {
    const [problem] = messageOf(error).split(/\. |\n/);
    throw new Error(`${problem}: ${USAGE}`, { cause: error });
  }
};

const readParameter = (text: string): readonly [string, string] => {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error(`--param ${text}: ${USAGE}`);
  return [name, value];
};

/**
 * Reads what follows `npm start --`, `PORT`, `ENVIRONMENTS` and `IDLE_SECONDS`, and `AUTH`, which is short for the parameter `auth`. The page
 * is on unless it is switched off. A parameter that comes twice has its last value, as with sls.
 * @throws Error
 */
export const readStartOptions = (args: readonly string[], environment: NodeJS.ProcessEnv): StartOptions => ({
  port: readPort(environment.PORT),
  scaling: readScaling(environment),
  parameters: {
    docs: 'on',
    ...(environment.AUTH && { auth: environment.AUTH }),
    ...Object.fromEntries(readArguments(args).map(readParameter)),
  },
});
