import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Below the project, where the native packages are found as a layer's would be. */
const PARENT = 'node_modules/.cache/test-runs';
const DAY_MS = 86_400_000;

const remove = (folder) => rmSync(folder, { recursive: true, force: true });
const isOld = (folder) => Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0) > DAY_MS;

/** Gives a run of jest a folder of its own, in which its test files share what they build of the sources: `RUN_FOLDER`. */
export default () => {
  mkdirSync(PARENT, { recursive: true });
  // A run that was killed leaves its folder.
  for (const left of readdirSync(PARENT).map((name) => join(PARENT, name))) if (isOld(left)) remove(left);
  const folder = resolve(mkdtempSync(`${PARENT}/`));
  process.env.RUN_FOLDER = folder;
  process.once('exit', () => remove(folder));
};
