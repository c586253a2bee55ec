import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Command } from './first-answer.ts';

export interface Reply {
  readonly ms: number;
  readonly answer: unknown;
}

/** A process that has not ended by then hangs. */
const TIMEOUT_MS = 15 * 60_000;

/** A process that answers cases one after the other. */
export const startContender = ({ program = process.execPath, args, cwd, environment }: Command) => {
  const child = spawn(program, args, {
    cwd,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let printed = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    printed = (printed + chunk).slice(-4_000);
  });
  const ended = once(child, 'close').then(([status, signal]) => {
    throw new Error(`${args.join(' ')} ended (${status ?? signal}):\n${printed}`);
  });
  ended.catch(() => {}); // reported by the case that waits for an answer
  const lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  return {
    answer: async (name: string): Promise<Reply> => {
      child.stdin?.write(`${name}\n`);
      const { value } = await Promise.race([lines.next(), ended]);
      return value === undefined ? await ended : (JSON.parse(value) as Reply);
    },
    stop: (): void => {
      child.kill('SIGKILL');
    },
  };
};

export type Contender = ReturnType<typeof startContender>;
