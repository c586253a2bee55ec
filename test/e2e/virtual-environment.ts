import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ensureVirtualEnvironment } from '../support/virtual-environment.ts';

const run = promisify(execFile);
const directory = path.resolve(import.meta.dirname, '../../.venv/e2e');
const requirements = path.join(import.meta.dirname, 'requirements.txt');

/** Programs that the end-to-end test needs of the machine and does not find. */
export const missingPrograms = async (): Promise<string[]> => {
  const found = await Promise.allSettled([run('python3', ['-m', 'venv', '-h']), run('openssl', ['version'])]);
  return ['python3 with venv', 'openssl'].filter((_program, index) => found[index]?.status === 'rejected');
};

/** Makes sure that the virtual environment has what requirements.txt pins, and returns the path of one of its programs. */
export const pythonProgram = async (name: 'python' | 'cfn-lint'): Promise<string> =>
  path.join(await ensureVirtualEnvironment(directory, requirements), name);
