import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCli } from '../support/command-line.ts';

const FOLDER = 'test/fixtures/models';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'optimised-models-'));
});
afterAll(() => rm(root, { recursive: true }));

const cli = (...words: string[]) => runCli([...words, '--store', join(root, 'store')]);
const write = async (name: string, value: unknown): Promise<string> => {
  await writeFile(join(root, name), JSON.stringify(value));
  return join(root, name);
};
/** A request of a few tokens: an answer takes as long as it has tokens. */
const shortRequest = () => write('short.json', { inputs: ['One sentence.'], parameters: { max_new_tokens: 4 } });

it.each([
  ['the encoder and the decoder of Marian', 'tiny-marian', shortRequest],
  ['the encoder and the decoder of Whisper', 'tiny-whisper', async () => 'test/fixtures/audio/mono.flac'],
  ['a detector', 'tiny-detr', async () => 'models/efficientnet-lite0/samples/chelsea.jpg'],
])('optimise works on %s', async (_about, name, sample) => {
  expect(await cli('push', join(FOLDER, name))).toMatchObject({ exitCode: 0 });
  const data = await write('samples.jsonl', { file: resolve(await sample()) });
  const words = ['--data', data, '--max-loss', '100%', '--methods', 'int8-dynamic,int8-static', '--dry-run', '--json'];

  const { exitCode, json } = await cli('optimise', name, ...words);

  expect(exitCode).not.toBe(1);
  const outcomes = Object(json).attempts.map(({ outcome }: { outcome: string }) => outcome);
  expect(outcomes).not.toContain('fails');
  expect((await cli('show', name, '--json')).json).toMatchObject({ versions: [1] });
});
