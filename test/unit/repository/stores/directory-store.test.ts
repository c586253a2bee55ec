import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDirectoryStore } from '../../../../src/repository/stores/directory-store.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-store-'));
  await writeFile(join(root, 'file'), '');
});
afterAll(() => rm(root, { recursive: true }));

const namesIn = async (base: string): Promise<string[]> => {
  const names: string[] = [];
  for await (const name of createDirectoryStore(base).folders('models/')) names.push(name);
  for await (const { key } of createDirectoryStore(base).list('models/')) names.push(key);
  return names;
};

it('a write says what is in its way, where a read finds nothing', async () => {
  const store = createDirectoryStore(join(root, 'file'));
  await expect(store.write('models/a/1/claim', '{}')).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('file/models/a/1/claim cannot be written: its folder cannot be made (EEXIST)'),
  });
  await expect(store.read('models/a/1/claim')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('a folder that cannot be read is no empty one', async () => {
  expect(await namesIn(root)).toEqual([]);
  expect(await namesIn(join(root, 'file'))).toEqual([]);
  // A name that is too long fails for every user; a folder without permissions does not for root.
  await expect(namesIn(join(root, 'x'.repeat(300)))).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
    message: expect.stringContaining('ENAMETOOLONG'),
  });
});
