import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import * as v from 'valibot';
import type { Invocation, Options, ParsedValues, Report } from './command.ts';
import { COMMANDS } from './commands.ts';
import { COMMON_OPTIONS, type Parsed, parseCommandLine } from './options/arguments.ts';
import { isMisuse } from './options/misuse.ts';
import { suggestModel } from './options/model-reference.ts';
import { describeFailure } from './output/describe-failure.ts';
import { commandHelp, generalHelp } from './output/help.ts';
import { toJsonText } from './output/json-text.ts';
import { printable } from './output/printable.ts';
import { quoteWord } from './output/quote-word.ts';
import { createTerminal, type Streams } from './output/terminal.ts';
import { findTarget } from './targets/find-target.ts';
import type { Target, TargetOptions } from './targets/target.ts';

/** Exit codes: success, a failure, a wrong command line. `main.ts` has those of interruptions. */
const [OK, FAILED, MISUSED] = [0, 1, 2];

const PROJECT_DIRECTORY = fileURLToPath(new URL('..', import.meta.url));

type StartTrial = Invocation<Options>['startTrial'];

const textOf = (value: ParsedValues[string]): string | undefined => (typeof value === 'string' ? value : undefined);

const toTargetOptions = ({ stage, region, store }: ParsedValues): TargetOptions => ({
  stage: textOf(stage),
  region: textOf(region),
  store: textOf(store),
});

const execute = async (
  { command, positionals, values }: Parsed,
  streams: Streams,
  projectDirectory: string,
  startTrial: StartTrial,
): Promise<Report> => {
  let target: Target | undefined;
  const targetOptions = toTargetOptions(values);
  try {
    return await command.run({
      positionals,
      values,
      target: async (use) => {
        target = await findTarget(targetOptions, projectDirectory, use);
        return target;
      },
      targetOptions,
      projectDirectory,
      terminal: createTerminal(streams),
      ...(startTrial && { startTrial }),
    });
  } catch (error) {
    const isModel = command.positionals[0]?.startsWith('model') ?? false;
    throw target && isModel ? await suggestModel(error, positionals[0] ?? '', target) : error;
  } finally {
    await target?.close();
  }
};

const readVersion = async (): Promise<string> => {
  const text = await readFile(join(PROJECT_DIRECTORY, 'package.json'), 'utf8');
  return v.parse(v.object({ version: v.string() }), JSON.parse(text)).version;
};

/** Text for whoever interrupts the command with Ctrl-C: the state in which it leaves things, and the way on. Empty when it changes nothing. */
export const adviceOnInterruption = async (words: readonly string[]): Promise<string> => {
  const [name = ''] = words;
  const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.() : undefined;
  const typed = ['npx onnx-serverless', ...words.map(quoteWord)].join(' ');
  return command?.onInterruption?.(typed, words) ?? '';
};

/**
 * Runs one command. The result goes to stdout, as text or with `--json` as one JSON object; everything else goes to stderr.
 * With `--json` an error is a JSON object on stdout too.
 *
 * @param projectDirectory holds serverless.yml and `.local`
 * @param startTrial starts what tries a model at push; default: a process
 * @returns the exit code: 0, 1 when the command failed, 2 when the command line was wrong, and 3 when nothing keeps the limits
 */
export const runCommandLine = async (
  words: readonly string[],
  streams: Streams,
  projectDirectory = PROJECT_DIRECTORY,
  startTrial?: StartTrial,
): Promise<number> => {
  const { stdout, stderr } = streams;
  const fail = (error: unknown, exitCode: number): number => {
    const failure = describeFailure(error);
    if (words.includes('--json')) stdout.write(`${JSON.stringify(failure)}\n`);
    else stderr.write(`${printable(failure.error)}\n`);
    if (words.includes('--debug')) stderr.write(`${inspect(error)}\n`);
    return exitCode;
  };
  let parsed: Awaited<ReturnType<typeof parseCommandLine>>;
  try {
    parsed = await parseCommandLine(words, COMMANDS);
  } catch (error) {
    return fail(error, MISUSED);
  }
  if (parsed === 'version') {
    stdout.write(`${await readVersion()}\n`);
    return OK;
  }
  if (parsed === 'help' || parsed.values.help) {
    stdout.write(
      `${parsed === 'help' ? await generalHelp(COMMANDS) : commandHelp(parsed.name, parsed.command, COMMON_OPTIONS)}\n`,
    );
    return OK;
  }
  try {
    for (;;) {
      const { text, json, exitCode = OK, againMs } = await execute(parsed, streams, projectDirectory, startTrial);
      stdout.write(`${parsed.values.json ? toJsonText(json) : printable(text)}\n`);
      if (againMs === undefined) return exitCode;
      await sleep(againMs);
      if (!parsed.values.json) stdout.write('\n');
    }
  } catch (error) {
    return fail(error, isMisuse(error) ? MISUSED : FAILED);
  }
};
