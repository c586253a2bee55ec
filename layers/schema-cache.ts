import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** osls keeps its compiled check of serverless.yml in the home directory. A user without one, as in many containers, has it in the service. */
export const ensureSchemaCache = (serviceDir: string, home = homedir()): void => {
  const folder = path.join(home, '.serverless');
  try {
    if (!existsSync(folder)) mkdirSync(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    process.env.SLS_SCHEMA_CACHE_BASE_DIR ??= serviceDir;
  }
};
