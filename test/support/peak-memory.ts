/**
 * Runs a command of the command line, and prints the peak of this process as JSON, in bytes. Arguments: the words of the command.
 * A process of its own, because a peak never falls.
 */
import { runCommandLine } from '../../cli/command-line.ts';
import { peakMemory } from '../../src/authoring/process-memory.ts';

const exitCode = await runCommandLine(process.argv.slice(2), {
  ...{ stdin: process.stdin, stdout: process.stderr, stderr: process.stderr },
});
process.stdout.write(JSON.stringify({ exitCode, peakBytes: peakMemory() }));
