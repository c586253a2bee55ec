import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Installs, once for each list, the clients from npm into the temporary folder. Their scripts are not run. */
export const npmPackages = async (): Promise<string> => {
  const list = await readFile(join(import.meta.dirname, 'npm-packages.json'));
  const digest = createHash('sha256').update(list).digest('hex').slice(0, 12);
  const directory = join(tmpdir(), `onnx-serverless-clients-npm-${digest}`);
  const installed = join(directory, 'installed');
  if (existsSync(installed)) return directory;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  await writeFile(join(directory, 'package.json'), list);
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: directory });
  await writeFile(installed, '');
  return directory;
};
