import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LocalServer } from '../../local/local-server.ts';
import type { Client } from './clients.ts';
import { npmPackages } from './npm-packages.ts';
import { pythonProgram } from './python-program.ts';

/** Runs the script of a client, which prints a line for each check. Returns false when a check failed. */
export const runCheck = async (
  { name, script, requirements }: Client,
  { endpoint, s3Endpoint, dataBucket, functionUrls }: LocalServer,
): Promise<boolean> => {
  const program = script.endsWith('.py') ? await pythonProgram(requirements) : process.execPath;
  if (program === undefined) {
    console.log(`      ${name} is skipped: there is no python3 with venv`);
    return true;
  }
  const words = [endpoint, s3Endpoint, dataBucket, functionUrls.stream ?? '', await npmPackages()];
  const child = spawn(program, [join(import.meta.dirname, script), ...words], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
};
