import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { withScratch } from '../../../src/core/scratch.ts';

it('a folder for temporary files is removed after its use', async () => {
  const [folder, wasThere] = await withScratch('push', async (path) => [path, existsSync(path)] as const);
  expect(folder).toContain(join(tmpdir(), 'push-'));
  expect([wasThere, existsSync(folder)]).toEqual([true, false]);
});

it('names TMPDIR where no folder can be made, and where there is no room', async () => {
  await expect(withScratch('no such folder/push', async () => {})).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: `no folder can be made in ${tmpdir()} (ENOENT); name another place with TMPDIR`,
  });
  const full = Object.assign(new Error('no room'), { code: 'ENOSPC' });
  await expect(withScratch('push', () => Promise.reject(full))).rejects.toMatchObject({
    code: 'INSUFFICIENT_STORAGE',
    message: expect.stringContaining(`free some in ${tmpdir()}, or name another folder with TMPDIR`),
  });
});

it('names TMPDIR where the files of a model find no room, and leaves the error of a store as it is', async () => {
  const full = Object.assign(new Error('no room'), { code: 'ENOSPC' });
  const operator = 'give the function more';
  const files = new ServingError('INSUFFICIENT_STORAGE', 'no room for the files', { operator, cause: full });
  await expect(withScratch('advise', () => Promise.reject(files))).rejects.toMatchObject({
    code: 'INSUFFICIENT_STORAGE',
    fullMessage: expect.stringMatching(/^the disk has no room for the files of advise; .*TMPDIR$/),
  });
  const store = new ServingError('INTERNAL', 'the store has no room', { cause: full });
  await expect(withScratch('push', () => Promise.reject(store))).rejects.toBe(store);
});
