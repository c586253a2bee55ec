import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Messages that ran alone when an earlier process ended. A note in `/tmp` outlives the process, as its execution environment does. */
export interface CrashNote {
  /** Tells whether an earlier process ended while the message ran alone. */
  names(messageId: string): boolean;
  /** Called before a message runs alone. */
  begin(messageId: string): void;
  /** Called when it has ended, and the process has not. */
  end(): void;
}

/** Messages that are remembered; earlier ones have used up their attempts. */
const MOST = 100;

/** Without a file, or with one that cannot be read, nothing is known. */
const readLines = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).slice(-MOST);
  } catch {
    return [];
  }
};

export const openCrashNote = (path: string): CrashNote => {
  const named = readLines(path);
  const write = (messageIds: readonly string[]): void => {
    try {
      if (messageIds.length === 0) rmSync(path, { force: true });
      else writeFileSync(path, messageIds.join('\n'));
    } catch {
      // A full disk costs the order of the messages, and no answer.
    }
  };
  return {
    names: (messageId) => named.includes(messageId),
    begin: (messageId) => write([...named, messageId]),
    end: () => write(named),
  };
};
