import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCli } from '../support/command-line.ts';

const ADD = 'test/fixtures/models/add.onnx';
const VERSION = /version "1\.5" does not exist: versions are 1, 2, 3/;
const NAME = /model name "a b" is not allowed: use 1 to 100 letters/;

let store: string;

beforeAll(async () => {
  store = await mkdtemp(join(tmpdir(), 'wrong-words-'));
});
afterAll(() => rm(store, { recursive: true }));

it.each<[string[], RegExp]>([
  [['push', ADD, '--name', 'a b'], NAME],
  [['push', ADD, '--task', 'painting'], /task "painting" is unknown; there are .*tensor/],
  [['push', ADD, '--max-batch', '0'], /--max-batch is 0/],
  [['push', ADD, '--dimension', 'batch'], /expected <name>=<size>/],
  [['promote', 'a b', '1'], NAME],
  [['promote', 'add', '1.5'], VERSION],
  [['rollback', 'a b'], NAME],
  [['canary', 'add', '1.5', '--weight', '10%'], VERSION],
  [['canary', 'a b', '1', '--weight', '10%'], NAME],
  [['shadow', 'add', '1.5', '--rate', '10%'], VERSION],
  [['alias', 'a b', 'best', '1'], NAME],
  [['alias', 'add', '2', '1'], /alias "2" is not allowed/],
  [['alias', 'add', 'best', '1.5'], VERSION],
  [['delete', 'a b', '--yes'], NAME],
  [['delete', 'add', '1.5', '--yes'], VERSION],
  [['gc', 'a b', '--keep', '1', '--yes'], NAME],
  [['history', 'a b'], NAME],
  [['monitor', 'a b'], NAME],
  [['show', 'a b'], NAME],
  [['show', 'add/1.5'], VERSION],
  [['show', 'add@2'], /alias "2" is not allowed/],
  [['pull', 'add', 'folder', '--version', '1.5'], VERSION],
  [['predict', 'a b', 'package.json'], NAME],
  [['verify', 'a b', '--key', 'public.pem'], NAME],
  [['optimise', 'a b', '--data', 'package.json'], NAME],
  [['advise', 'a b'], NAME],
])('%j is a wrong command line: exit code 2, and nothing is written', async (words, reason) => {
  const { exitCode, stderr } = await runCli([...words, '--store', store]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(reason) });
  expect(await readdir(store)).toEqual([]);
});

it('a model, a version and an alias that might be there are a failure: exit code 1', async () => {
  for (const words of [
    ['promote', 'add', '7'],
    ['show', 'add@best'],
    ['history', 'add'],
    ['delete', 'add', '--yes'],
  ])
    expect((await runCli([...words, '--store', store])).exitCode).toBe(1);
});
