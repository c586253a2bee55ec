import { execFile } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** Makes sure that the virtual environment `directory` has what the file `requirements` pins. Returns the path of its programs. */
export const ensureVirtualEnvironment = async (directory: string, requirements: string): Promise<string> => {
  const programs = path.join(directory, 'bin');
  const installed = path.join(directory, 'installed.txt'); // the requirements that were installed; written last
  if ((await read(installed)) === (await read(requirements))) return programs;
  await rm(directory, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', directory]);
  await run(path.join(programs, 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  await cp(requirements, installed);
  return programs;
};
