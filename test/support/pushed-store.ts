import { cp, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { runCli } from './command-line.ts';

/** Of this run of jest, in which the models stay as they are. */
const { RUN_FOLDER = '' } = process.env;
const stores = new Map<string, Promise<string>>();

const pushAll = async (paths: readonly string[]): Promise<string> => {
  const store = await mkdtemp(join(RUN_FOLDER, 'pushed-'));
  const before = paths.slice(0, -1);
  if (before.length > 0) await copyPushed(store, ...before);
  const { exitCode, stderr } = await runCli(['push', paths.at(-1) ?? '', '--store', store]);
  if (exitCode !== 0) throw new Error(`push ended with ${exitCode}: ${stderr}`);
  return store;
};

/** Fills the directory `store` as pushes of these models would, one after the other. They run once in a test file: each starts a process. */
export const copyPushed = async (store: string, ...paths: readonly string[]): Promise<void> => {
  const key = paths.join('\n');
  const pushed = stores.get(key) ?? pushAll(paths);
  stores.set(key, pushed);
  await cp(await pushed, store, { recursive: true });
};
