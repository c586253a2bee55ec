import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalServer } from '../../local/local-server.ts';
import type { Client } from './clients.ts';

const run = promisify(execFile);
const FOLDER = import.meta.dirname;

/** Makes, once for each list of requirements, a virtual environment in the temporary folder. Undefined on a machine without Python. */
const pythonProgram = async (): Promise<string | undefined> => {
  const requirements = join(FOLDER, 'requirements.txt');
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

/** Runs the script of a client, which prints a line for each check. Returns false when a check failed. */
export const runCheck = async (
  { name, script }: Client,
  { endpoint, s3Endpoint, dataBucket }: LocalServer,
): Promise<boolean> => {
  const program = script.endsWith('.py') ? await pythonProgram() : process.execPath;
  if (program === undefined) {
    console.log(`      ${name} is skipped: there is no python3 with venv`);
    return true;
  }
  const child = spawn(program, [join(FOLDER, script), endpoint, s3Endpoint, dataBucket], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
};
