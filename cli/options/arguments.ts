import { parseArgs } from 'node:util';
import { DEFAULT_REGION } from '../../src/core/aws-defaults.ts';
import type { Command, LoadCommand, Options, ParsedValues } from '../command.ts';
import { closest } from '../output/closest.ts';
import { errorMessage } from '../output/error-message.ts';
import { formatPositionals } from '../output/help.ts';
import { isMisuse, misuse } from './misuse.ts';

export const COMMON_OPTIONS = {
  stage: { type: 'string', value: '<stage>', description: 'a stage, deployed with sls deploy' },
  region: {
    type: 'string',
    value: '<region>',
    description: `region of the stage (default: AWS_REGION, or ${DEFAULT_REGION})`,
  },
  store: { type: 'string', value: '<directory>', description: 'a directory instead of S3' },
  json: { type: 'boolean', description: 'print one JSON object, also for an error: {"error", "code"}' },
  debug: { type: 'boolean', description: 'print the stack of an error' },
  help: { type: 'boolean', short: 'h', description: 'show this help' },
} as const satisfies Options;

const misuseOf = (problem: string, suggestion: string | undefined, help: string): never =>
  misuse(`${problem}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`} (${help})`);

const describeGiven = (positionals: readonly string[]): string =>
  positionals.length === 0 ? 'and nothing was given' : `not "${positionals.join(' ')}"`;

export interface Parsed {
  readonly name: string;
  readonly command: Command;
  readonly positionals: readonly string[];
  readonly values: ParsedValues;
}

const HELP = ['help', '--help', '-h'];

/** @throws `INVALID_REQUEST` naming what is wrong, with the nearest thing that is right */
export const parseCommandLine = async (
  words: readonly string[],
  commands: Readonly<Record<string, LoadCommand>>,
): Promise<Parsed | 'help' | 'version'> => {
  const [name, ...rest] = words;
  const [helpOn] = rest;
  if (name === 'help' && helpOn !== undefined) return parseCommandLine([helpOn, '--help'], commands);
  if (name === undefined || HELP.includes(name)) return 'help';
  if (name === '--version') return 'version';
  const command = Object.hasOwn(commands, name) ? await commands[name]?.() : undefined;
  if (command === undefined) {
    const problem = name.startsWith('-') ? `a command has to come before ${name}` : `there is no command ${name}`;
    return misuseOf(problem, closest(name, Object.keys(commands)), 'npx onnx-serverless --help lists them');
  }
  const options = { ...COMMON_OPTIONS, ...command.options };
  const help = `npx onnx-serverless ${name} --help shows all options`;
  try {
    const { positionals, values } = parseArgs({
      args: rest,
      options,
      allowPositionals: true,
    });
    const required = command.positionals.filter((positional) => !positional.endsWith('?'));
    const fits = positionals.length >= required.length && positionals.length <= command.positionals.length;
    if (!values.help && !fits)
      misuseOf(
        `${name} takes ${formatPositionals(command) || 'no arguments'}, ${describeGiven(positionals)}`,
        undefined,
        help,
      );
    return { name, command, positionals, values };
  } catch (error) {
    if (isMisuse(error)) throw error;
    const message = errorMessage(error);
    const [sentence = message] = message.split(/\. |\n/);
    const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1];
    const known = unknown === undefined ? undefined : closest(unknown, Object.keys(options));
    return misuseOf(sentence, known && `--${known}`, help);
  }
};
