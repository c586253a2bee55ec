import type { Trial } from '../src/authoring/start-trial.ts';
import type { Terminal } from './output/terminal.ts';
import type { Target, TargetOptions, TargetUse } from './targets/target.ts';

/** An option of a command, as `parseArgs` of Node takes it and as `--help` shows it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  /** A letter that stands for the name. */
  readonly short?: string;
  /** Placeholder of the value in `--help`. */
  readonly value?: string;
  readonly description: string;
}

export type Options = Readonly<Record<string, Option>>;

type Value<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? string[]
    : string;
export type Values<O extends Options> = { readonly [K in keyof O]?: Value<O[K]> };

/** The result of a command: for people, and for programs. */
export interface Report {
  readonly text: string;
  readonly json: unknown;
  /** Default 0: a command that did as it was asked to may have another outcome to tell. */
  readonly exitCode?: number;
  /** The command is run again after so many milliseconds, until it is interrupted. */
  readonly againMs?: number;
}

export interface Invocation<O extends Options> {
  readonly positionals: readonly string[];
  readonly values: Values<O>;
  /** The target of the command, looked up when it is asked for. */
  readonly target: (use?: TargetUse) => Promise<Target>;
  /** The options that name the target. */
  readonly targetOptions: TargetOptions;
  /** Holds serverless.yml. */
  readonly projectDirectory: string;
  readonly terminal: Terminal;
  /** Starts what tries a model at push. Default: a process. */
  readonly startTrial?: () => Trial;
}

interface CommandDefinition<O extends Options> {
  readonly summary: string;
  /** Shown below the usage line. */
  readonly description: string;
  /** All of them are required but those that end in `?`. */
  readonly positionals: readonly string[];
  readonly options: O;
  /**
   * Text for whoever interrupts the command: the state in which it leaves things, and the way on.
   * @param typed the command as it was typed
   * @param words its words, the name of the command first
   */
  readonly onInterruption?: (typed: string, words: readonly string[]) => string;
  run(invocation: Invocation<O>): Promise<Report>;
}

/** Values of options by name, as `parseArgs` of Node returns them. */
export type ParsedValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A command, whatever its options. */
export interface Command extends Omit<CommandDefinition<Options>, 'run'> {
  /** @param invocation with values that were parsed by `options` */
  run(invocation: Omit<Invocation<Options>, 'values'> & { readonly values: ParsedValues }): Promise<Report>;
}

/** Imports a command. */
export type LoadCommand = () => Promise<Command>;

/** A command whose values have the types of its options. */
export const defineCommand = <const O extends Options>(definition: CommandDefinition<O>): Command => ({
  ...definition,
  run: (invocation) => definition.run({ ...invocation, values: invocation.values as Values<O> }),
});
