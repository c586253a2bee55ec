import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openCacheDirectory } from '../../../src/lambda/cache-directory.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cache-directory-'));
  await writeFile(join(root, 'file'), '');
});
afterAll(() => rm(root, { recursive: true }));

it('the directory of model files is made with those above it, and gives a share of its file system', () => {
  const directory = join(root, 'a', 'b');
  const [whole, half] = [openCacheDirectory(directory, 1), openCacheDirectory(directory, 0.5)];
  expect(statSync(directory).isDirectory()).toBe(true);
  expect(whole).toBeGreaterThan(0);
  expect(half).toBe(Math.floor(whole / 2));
});

it.each(['file', 'file/below'])('init ends with the name of the variable where %s is in the way', (name) => {
  const directory = join(root, name);
  expect(() => openCacheDirectory(directory, 1)).toThrow(
    `MODEL_CACHE_DIR is ${directory}, where no files can be kept (EEXIST); expected a directory that this process can`,
  );
});

(existsSync('/proc') ? it : it.skip)('init does not wait for a directory that a file system never makes', () => {
  expect(() => openCacheDirectory('/proc/models', 1)).toThrow('MODEL_CACHE_DIR is /proc/models, where no files can be');
});
