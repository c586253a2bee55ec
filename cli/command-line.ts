import { fileURLToPath } from 'node:url';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type ErrorCode, ServingError } from '../src/core/errors.ts';
import { toJsonText } from '../src/core/json-text.ts';
import { closest } from './closest.ts';
import type { Command, Options, Report } from './command.ts';
import { empty } from './commands/empty.ts';
import { list } from './commands/list.ts';
import { predict } from './commands/predict.ts';
import { push } from './commands/push.ts';
import { show } from './commands/show.ts';
import { formatTable } from './format.ts';
import { findTarget } from './target.ts';
import { createTerminal, type Streams } from './terminal.ts';

const COMMANDS: Readonly<Record<string, Command>> = { push, list, show, predict, empty };

const COMMON_OPTIONS = {
  stage: { type: 'string', value: '<stage>', description: 'a stage that was deployed with sls deploy' },
  region: { type: 'string', value: '<region>', description: 'where the stage is (default: AWS_REGION, or us-east-1)' },
  store: { type: 'string', value: '<directory>', description: 'a directory instead of S3' },
  json: { type: 'boolean', description: 'print one JSON object, also for an error: {"error", "code"}' },
  debug: { type: 'boolean', description: 'print the stack of an error' },
  help: { type: 'boolean', description: 'show this' },
} as const satisfies Options;

/** Exit codes: it worked, it failed, the command line makes no sense. */
const [OK, FAILED, MISUSED] = [0, 1, 2];

const PROJECT_DIRECTORY = fileURLToPath(new URL('..', import.meta.url));

const usage = (name: string, { positionals }: Command): string =>
  ['npx onnx-serverless', name, ...positionals.map((positional) => `<${positional}>`), '[options]'].join(' ');

const describeOptions = (options: Options): string =>
  formatTable(
    Object.entries(options).map(([name, { value, description }]) => [
      `  --${name}${value === undefined ? '' : ` ${value}`}`,
      description,
    ]),
  );

const generalHelp = (): string =>
  [
    'Usage: npx onnx-serverless <command> [options]',
    formatTable(Object.entries(COMMANDS).map(([name, { summary }]) => [`  ${name}`, summary])),
    'Every command acts on the local server (npm start) unless --stage or --store names something else.',
    'More on one of them: npx onnx-serverless <command> --help',
  ].join('\n\n');

const commandHelp = (name: string, command: Command): string =>
  [
    `Usage: ${usage(name, command)}`,
    command.description,
    ...(Object.keys(command.options).length > 0 ? [`Options:\n${describeOptions(command.options)}`] : []),
    `Options of every command:\n${describeOptions(COMMON_OPTIONS)}`,
  ].join('\n\n');

const misuse = (problem: string, suggestion: string | undefined, help: string): never => {
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  throw new ServingError('INVALID_REQUEST', `${problem}${hint} (${help})`);
};

interface Parsed {
  readonly name: string;
  readonly command: Command;
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
}

/** @throws `INVALID_REQUEST` naming what is wrong, with the nearest thing that is right */
const parseCommandLine = (words: readonly string[]): Parsed | 'help' => {
  const [name, ...rest] = words;
  if (name === undefined || name === '--help' || name === 'help') return 'help';
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const problem = name.startsWith('-') ? `a command has to come before ${name}` : `there is no command ${name}`;
    return misuse(problem, closest(name, Object.keys(COMMANDS)), 'npx onnx-serverless --help lists them');
  }
  const options = { ...COMMON_OPTIONS, ...command.options };
  const help = `npx onnx-serverless ${name} --help shows all options`;
  try {
    const { positionals, values } = parseArgs({
      args: rest,
      options: options as ParseArgsOptionsConfig,
      allowPositionals: true,
    });
    if (!values.help && positionals.length !== command.positionals.length)
      misuse(
        `${name} takes ${command.positionals.map((positional) => `<${positional}>`).join(' ') || 'no arguments'}, not "${positionals.join(' ')}"`,
        undefined,
        help,
      );
    return { name, command, positionals, values: values as Parsed['values'] };
  } catch (error) {
    if (error instanceof ServingError) throw error;
    const { message } = error as Error;
    const [sentence = message] = message.split(/\. |\n/);
    const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1];
    const known = unknown === undefined ? undefined : closest(unknown, Object.keys(options));
    return misuse(sentence, known && `--${known}`, help);
  }
};

const execute = async (
  { command, positionals, values }: Parsed,
  streams: Streams,
  projectDirectory: string,
): Promise<Report> =>
  command.run({
    positionals,
    values: values as Record<string, never>,
    target: () => findTarget(values, projectDirectory),
    terminal: createTerminal(streams),
  });

/** One line for whoever has to act on it. The AWS SDK's own errors name their cause in `name`. */
const describeFailure = (error: unknown): { error: string; code: ErrorCode } => {
  const { code, message } = ServingError.from(error);
  const name = error instanceof Error && !(error instanceof ServingError) ? error.name : '';
  if (name === 'CredentialsProviderError')
    return { error: `no AWS credentials: ${message}; set AWS_PROFILE, or sign in with aws sso login`, code };
  return { error: name === '' || name === 'Error' ? message : `${name}: ${message}`, code };
};

/**
 * Runs one command. The result goes to stdout, as text or with `--json` as one JSON object; everything else goes to stderr.
 * With `--json` an error is a JSON object on stdout too.
 *
 * @param projectDirectory holds serverless.yml and `.local`
 * @returns the exit code: 0, 1 when the command failed, 2 when the command line was wrong
 */
export const runCommandLine = async (
  words: readonly string[],
  streams: Streams,
  projectDirectory = PROJECT_DIRECTORY,
): Promise<number> => {
  const { stdout, stderr } = streams;
  const fail = (error: unknown, exitCode: number): number => {
    const failure = describeFailure(error);
    if (words.includes('--json')) stdout.write(`${JSON.stringify(failure)}\n`);
    else stderr.write(`${failure.error}\n`);
    if (words.includes('--debug')) console.error(error);
    return exitCode;
  };
  let parsed: Parsed | 'help';
  try {
    parsed = parseCommandLine(words);
  } catch (error) {
    return fail(error, MISUSED);
  }
  if (parsed === 'help' || parsed.values.help) {
    stdout.write(`${parsed === 'help' ? generalHelp() : commandHelp(parsed.name, parsed.command)}\n`);
    return OK;
  }
  try {
    const { text, json } = await execute(parsed, streams, projectDirectory);
    stdout.write(`${parsed.values.json ? toJsonText(json) : text}\n`);
    return OK;
  } catch (error) {
    return fail(error, FAILED);
  }
};
