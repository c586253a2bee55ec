import { PassThrough } from 'node:stream';
import { runCommandLine } from '../../cli/command-line.ts';
import { triedOnce } from './tried-models.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` printed; empty without it. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface RunOptions {
  readonly projectDirectory?: string;
  readonly answer?: string;
  /** For whoever waits until something is printed, and leaves it in there. */
  readonly stdout?: PassThrough;
}

const read = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString('utf8') ?? '';

/** Runs the command line in this process, which tries each model once; no terminal is attached unless `answer` is typed at one. */
export const runCli = async (
  words: readonly string[],
  { projectDirectory, answer, stdout: output = new PassThrough() }: RunOptions = {},
): Promise<Ran> => {
  const isTTY = answer !== undefined;
  const streams = {
    stdin: Object.assign(new PassThrough(), { isTTY }),
    stdout: output,
    stderr: Object.assign(new PassThrough(), { isTTY }),
  };
  streams.stdin.end(answer);
  const exitCode = await runCommandLine(words, streams, projectDirectory, triedOnce);
  const stdout = read(streams.stdout);
  const json = words.includes('--json') ? (JSON.parse(stdout) as Ran['json']) : {};
  return { exitCode, stdout, stderr: read(streams.stderr), json };
};
