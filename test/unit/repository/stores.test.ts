import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';

const FOLDER = 'src/repository/stores';
/** `createS3UploadStore` is this store with one more method. */
const PART_OF_ANOTHER = 'createS3Store';

const files = await readdir(FOLDER);
const sources = await Promise.all(files.map((file) => readFile(`${FOLDER}/${file}`, 'utf8')));
const created = sources
  .flatMap((source) => [...source.matchAll(/^export const (create\w*Store)\b/gm)])
  .map(([, name = '']) => name)
  .filter((name) => name !== PART_OF_ANOTHER);

it.each(created)('the store of %s is held to the contract of every store', async (name) => {
  const test = await readFile('test/integration/object-store.test.ts', 'utf8');
  const contracts = [...test.matchAll(/itBehavesLikeAnObjectStore\(async \(\) =>\s*(\w+)\(/g)];
  expect(contracts.map(([, tested]) => tested)).toContain(name);
});
