import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const projectRoot = path.resolve(import.meta.dirname, '../..');
const binaries = path.join(projectRoot, 'node_modules/.bin');

/** Variables with which sls starts in half of the time: its code, and its check of serverless.yml, are compiled once. */
export const SLS_CACHES: NodeJS.ProcessEnv = {
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  SLS_SCHEMA_CACHE_BASE_DIR: path.join(projectRoot, 'node_modules/.cache/serverless'),
};

/**
 * Runs `sls` as npm would, in the project or a copy of it, and returns what it printed.
 * @throws Error with what it printed, when it fails.
 */
export const sls = async (
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd: string = projectRoot,
): Promise<string> => {
  const env = { ...SLS_CACHES, ...environment, PATH: `${binaries}${path.delimiter}${environment.PATH}` };
  try {
    const { stdout, stderr } = await run(path.join(binaries, 'sls'), args, { cwd, env });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`sls ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
};
