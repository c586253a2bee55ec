import type { Command, LoadCommand, Options } from '../command.ts';
import { formatTable } from './format.ts';

/** `<model> [version]` */
export const formatPositionals = ({ positionals }: Command): string =>
  positionals
    .map((positional) => (positional.endsWith('?') ? `[${positional.slice(0, -1)}]` : `<${positional}>`))
    .join(' ');

const describeOptions = (options: Options): string =>
  formatTable(
    Object.entries(options).map(([name, { short, value, description }]) => [
      `  --${name}${short === undefined ? '' : `, -${short}`}${value === undefined ? '' : ` ${value}`}`,
      description,
    ]),
  );

const EXIT_CODES =
  'Exit codes: 0 for success, 1 for a failure, 2 for a wrong command line, 3 when nothing keeps the limits, 130 for Ctrl-C.';

export const generalHelp = async (commands: Readonly<Record<string, LoadCommand>>): Promise<string> => {
  const rows = Object.entries(commands).map(async ([name, load]) => [`  ${name}`, (await load()).summary]);
  return [
    'Usage: npx onnx-serverless <command> [options]',
    formatTable(await Promise.all(rows)),
    'Commands on models act on the local server (npm start) unless --stage or --store names something else.',
    EXIT_CODES,
    'More on one of them: npx onnx-serverless <command> --help',
  ].join('\n\n');
};

export const commandHelp = (name: string, command: Command, commonOptions: Options): string =>
  [
    `Usage: npx onnx-serverless ${[name, formatPositionals(command), '[options]'].filter(Boolean).join(' ')}`,
    command.description,
    ...(Object.keys(command.options).length > 0 ? [`Options:\n${describeOptions(command.options)}`] : []),
    `Options of every command:\n${describeOptions(commonOptions)}`,
    EXIT_CODES,
  ].join('\n\n');
