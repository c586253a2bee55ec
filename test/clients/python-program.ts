import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes, once for each list of requirements, a virtual environment in the temporary folder. Undefined on a machine without Python.
 * @param list a file of this folder
 */
export const pythonProgram = async (list = 'requirements.txt'): Promise<string | undefined> => {
  const requirements = join(import.meta.dirname, list);
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const directory = join(tmpdir(), `onnx-serverless-clients-${digest}`);
  const installed = join(directory, 'installed');
  if (!existsSync(installed)) {
    await rm(directory, { recursive: true, force: true });
    try {
      await run('python3', ['-m', 'venv', directory]);
    } catch (error) {
      if (process.env.CI) throw error;
      return undefined;
    }
    await run(join(directory, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    await writeFile(installed, '');
  }
  return join(directory, 'bin/python');
};
