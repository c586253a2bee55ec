import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { makeDirectory } from '../../../src/core/make-directory.ts';

it('a directory is made with those above it, once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'make-directory-'));
  for (let time = 0; time < 2; time += 1) makeDirectory(join(root, 'a', 'b'));
  expect(statSync(join(root, 'a', 'b')).isDirectory()).toBe(true);
  await rm(root, { recursive: true });
});

(existsSync('/proc') ? it : it.skip)('a file system that makes no directories ends the attempt', () => {
  expect(() => makeDirectory('/proc/models/iris')).toThrow('ENOENT');
});
