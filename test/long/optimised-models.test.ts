import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createRandom } from '../../src/core/random.ts';
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
  ['the encoder and the decoder of T5', 'tiny-t5', shortRequest],
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

it('optimise works on a model that was imported', async () => {
  const keras = join(root, 'transfer.keras');
  await writeFile(keras, gunzipSync(await readFile('test/fixtures/formats/keras/keras-3/transfer.keras.gz')));
  expect(await cli('push', keras, '--name', 'imported')).toMatchObject({ exitCode: 0 });
  const random = createRandom(13);
  const request = () => ({
    inputs: [
      {
        ...{ name: 'input_layer_1', datatype: 'FP32', shape: [1, 32, 32, 3] },
        data: Array.from({ length: 32 * 32 * 3 }, random),
      },
    ],
  });
  const data = join(root, 'pixels.jsonl');
  await writeFile(data, [1, 2, 3].map(() => JSON.stringify(request())).join('\n'));
  const words = ['--data', data, '--max-loss', '100%', '--methods', 'int8-static,float16-weights', '--dry-run'];

  const { exitCode, json } = await cli('optimise', 'imported', ...words, '--json');

  expect(exitCode).not.toBe(1);
  const [int8, float16] = Object(json).attempts;
  expect(int8.figures.bytes).toBeLessThan(0.5 * Object(json).original.bytes);
  expect(float16.loss.metric).toBe('cosine');
  expect(float16.loss.value).toBeLessThan(0.001);
});

it('optimise compares the layers of a merged decoder, which stand within an If', async () => {
  expect(await cli('push', join(FOLDER, 'tiny-marian'), '--name', 'merged')).toMatchObject({ exitCode: 0 });
  const data = join(root, 'sentences.jsonl');
  await writeFile(data, ['One sentence.', 'And another one.'].map((text) => JSON.stringify({ text })).join('\n'));
  const words = ['--data', data, '--max-loss', '0%', '--methods', 'int8-dynamic', '--dry-run', '--json'];

  const report = Object((await cli('optimise', 'merged', ...words)).json);

  const layers: string[] = report.layerErrors['int8-dynamic'].map(({ layer }: { layer: string }) => layer);
  expect(layers.filter((layer) => layer.startsWith('/model/decoder/')).length).toBeGreaterThan(5);
  expect(report.attempts[1].kept[0]).toBe(layers[0]);
});
