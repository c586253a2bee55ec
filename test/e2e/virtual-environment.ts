import { execFile } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const directory = path.resolve(import.meta.dirname, '../../.venv');
const requirements = path.join(import.meta.dirname, 'requirements.txt');
/** The requirements that were installed; written last. */
const installed = path.join(directory, 'installed.txt');

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Programs that the end-to-end test needs of the machine and does not find. */
export const missingPrograms = async (): Promise<string[]> => {
  const found = await Promise.allSettled([run('python3', ['-m', 'venv', '-h']), run('openssl', ['version'])]);
  return ['python3 with venv', 'openssl'].filter((_program, index) => found[index]?.status === 'rejected');
};

/** Makes sure that `.venv` has what requirements.txt pins, and returns the path of one of its programs. */
export const pythonProgram = async (name: 'python' | 'cfn-lint'): Promise<string> => {
  const program = path.join(directory, 'bin', name);
  if ((await read(installed)) === (await read(requirements))) return program;
  await rm(directory, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', directory]);
  await run(path.join(directory, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  await cp(requirements, installed);
  return program;
};
