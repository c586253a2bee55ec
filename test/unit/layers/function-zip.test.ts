import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { zipSync } from 'fflate';
import { rewriteZip } from '../../../layers/function-zip.ts';
import { zipEntries } from '../../support/zip-entries.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'function-zip-'));
});
afterAll(() => rm(scratch, { recursive: true }));

it('a zip of a function has its files in the order of their names, with the mode that Lambda needs', async () => {
  const file = path.join(scratch, 'function.zip');
  const unreadable = { os: 3, attrs: 0o100600 << 16 };
  await writeFile(file, zipSync({ 'b.mjs': [Buffer.from('b'), unreadable], 'a.mjs': [Buffer.from('a'), unreadable] }));

  await rewriteZip(file);

  expect(zipEntries(await readFile(file))).toEqual([
    { name: 'a.mjs', mode: 0o100644 },
    { name: 'b.mjs', mode: 0o100644 },
  ]);
});
