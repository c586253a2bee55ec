#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';

const INTERRUPTED = 130;

// Whoever reads our output may have seen enough: `onnx-serverless list | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
process.once('SIGINT', () => {
  process.stderr.write('\n');
  process.exit(INTERRUPTED);
});

process.exitCode = await runCommandLine(process.argv.slice(2), process);
