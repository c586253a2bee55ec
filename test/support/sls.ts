import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const projectRoot = path.resolve(import.meta.dirname, '../..');
const binaries = path.join(projectRoot, 'node_modules/.bin');

/**
 * Runs `sls` as npm would, in the project or a copy of it, and returns what it printed.
 * @throws Error with what it printed, when it fails.
 */
export const sls = async (
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd: string = projectRoot,
): Promise<string> => {
  const { NODE_COMPILE_CACHE } = process.env; // it starts in two thirds of the time
  const env = { NODE_COMPILE_CACHE, ...environment, PATH: `${binaries}${path.delimiter}${environment.PATH}` };
  try {
    const { stdout, stderr } = await run(path.join(binaries, 'sls'), args, { cwd, env });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`sls ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
};
