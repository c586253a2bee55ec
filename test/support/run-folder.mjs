import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

/** Below the project, where the native packages are found as a layer's would be. */
const PARENT = 'node_modules/.cache/test-runs';

/** Gives a run of jest a folder of its own, in which its test files share what they build of the sources: `RUN_FOLDER`. */
export default () => {
  mkdirSync(PARENT, { recursive: true });
  const folder = resolve(mkdtempSync(`${PARENT}/`));
  process.env.RUN_FOLDER = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
};
