import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { printable } from './printable.ts';

/** The streams of a process. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Talks to the person at the terminal: on stderr, since stdout carries the result. */
export interface Terminal {
  /** A line that is no part of the result. */
  note(line: string): void;
  /** Shows a step of unknown length, in the place of the step before; nothing without a terminal. An empty label takes it away. */
  step(label: string): void;
  /** Shows the progress of `label`, of bytes unless `format` writes other amounts; nothing without a terminal. */
  progress(label: string, format?: (total: number) => string): (done: number, total: number) => void;
  /** Tells whether the answer is yes. @throws `INVALID_REQUEST` naming `instead` when no terminal is attached */
  confirm(question: string, instead: string): Promise<boolean>;
}

const BAR_WIDTH = 30;
const ERASE_LINE = '\r\u001b[K';
/** Redrawing more often only costs time. */
const REDRAW_MS = 50;

export const createTerminal = ({ stdin, stderr }: Streams): Terminal => ({
  note: (line) => {
    stderr.write(`${printable(line)}\n`);
  },

  step(label) {
    if (stderr.isTTY)
      stderr.write(ERASE_LINE + (label === '' ? '' : `${label} …`.slice(0, (stderr.columns || 80) - 1)));
  },

  progress(label, format = formatBytes) {
    if (!stderr.isTTY) return () => {};
    let drawnMs = 0;
    return (done, total) => {
      const isDone = done >= total;
      if (!isDone && performance.now() - drawnMs < REDRAW_MS) return;
      drawnMs = performance.now();
      const share = total === 0 ? 1 : done / total;
      const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
      const line = `${label} ${bar} ${Math.floor(share * 100)} % of ${format(total)}`;
      stderr.write(isDone ? ERASE_LINE : ERASE_LINE + line.slice(0, (stderr.columns || 80) - 1));
    };
  },

  async confirm(question, instead) {
    if (!stdin.isTTY)
      throw new ServingError('INVALID_REQUEST', `${question}: there is no terminal to ask at; ${instead}`);
    // Not `terminal: true`: Ctrl-C has to end the process, not the question.
    const reader = createInterface({ input: stdin, output: stderr, terminal: false });
    const closed = once(reader, 'close').then(() => ''); // Ctrl-D is no answer
    try {
      const answer = await Promise.race([reader.question(`${question}? [y/N] `), closed]);
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      reader.close();
    }
  },
});
