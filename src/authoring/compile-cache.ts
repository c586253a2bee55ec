import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The default of Node. */
const FOLDER = join(tmpdir(), 'node-compile-cache');

/** Variables for a process of Node, which keeps compiled code: it starts in half the time, and takes a third less memory. */
export const withCompileCache = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: FOLDER,
  ...environment,
});
