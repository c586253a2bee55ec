#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache(); // what is imported from here on, starts in two thirds of the time
const { adviceOnInterruption, runCommandLine } = await import('./command-line.ts');

/** Exit codes of shells: 128 and the number of the signal. */
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const words = process.argv.slice(2);

// Whoever reads our output may have seen enough: `onnx-serverless list | head -1`.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit();
  process.stderr.write(`the output cannot be written: ${message}\n`);
  process.exit(1);
});
process.stderr.on('error', () => {}); // nobody is left to hear of it

const interrupt = async (exitCode: number): Promise<void> => {
  process.stderr.write(`\n${await adviceOnInterruption(words)}`);
  process.exit(exitCode); // temporary files go with it
};
process.once('SIGINT', () => interrupt(INTERRUPTED.SIGINT));
process.once('SIGTERM', () => interrupt(INTERRUPTED.SIGTERM));
process.once('SIGHUP', () => interrupt(INTERRUPTED.SIGHUP));

process.exitCode = await runCommandLine(words, process);
