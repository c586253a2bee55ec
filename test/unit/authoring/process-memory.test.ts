import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const MIB = 1024 * 1024;

/** Peak of a small process that a large one has started. */
const peakOfChild = async (): Promise<number> => {
  const url = pathToFileURL('src/authoring/process-memory.ts').href;
  const script = `console.log((await import(${JSON.stringify(url)})).peakMemory())`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return Number(stdout);
};

it('the peak of a process leaves out the memory of the process that started it', async () => {
  const large = Buffer.alloc(400 * MIB, 1);
  expect(await peakOfChild()).toBeLessThan(300 * MIB);
  expect(large.byteLength).toBe(400 * MIB);
});
