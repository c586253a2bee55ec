import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Ran, runCli } from '../support/command-line.ts';

const HELD_OUT = 'models/sentiment/held-out.tsv';

let root: string;
const cli = (...words: string[]): Promise<Ran> => runCli([...words, '--store', join(root, 'store')]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'optimised-advice-'));
  expect(await cli('push', 'models/sentiment')).toMatchObject({ exitCode: 0 });
});
afterAll(() => rm(root, { recursive: true }));

it('advise measures the version that optimise made beside the original, from either', async () => {
  const few = join(root, 'few.tsv');
  await writeFile(few, (await readFile(HELD_OUT, 'utf8')).split('\n').slice(0, 9).join('\n'));
  const words = ['--data', few, '--methods', 'float16-weights', '--max-loss', '100%'];
  expect(await cli('optimise', 'sentiment', ...words)).toMatchObject({ exitCode: 0 });
  const expected = [
    { version: 1, description: 'original' },
    { version: 2, description: 'float16-weights of version 1' },
  ];
  const measure = (...words: string[]): Promise<Ran> => cli('advise', 'sentiment', '--data', few, '--json', ...words);
  expect((await measure()).json).toMatchObject({ profiles: expected });
  const { json } = await measure('--version', '2');
  expect(json).toMatchObject({ profiles: expected, samples: 8 });
  const { estimates } = Object(json);
  expect(estimates).toHaveLength(2 * 2 * 44);
  expect(Object(json).profiles[0].threads[0]).toMatchObject({ threads: 1, cpuMs: { p50: expect.any(Number) } });
});
