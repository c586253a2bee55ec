import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../src/core/deadline.ts';
import { MAX_BEAMS, MAX_TOKENS, parseGenerationConfig } from '../../src/generation/generation-config.ts';
import { processUploads } from '../../src/jobs/uploads.ts';
import { createSilence } from '../../src/media/audio/wav.ts';
import { BLACK_PIXEL } from '../../src/media/image/input.ts';
import { MAX_INPUT_BYTES, MAX_JSON_BYTES } from '../../src/protocol/task-api/object-reference.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { createSilentFlac } from '../support/silent-flac.ts';

let serving: TestServing;
beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['iris', 'sentiment', 'efficientnet-lite0', 'tiny-wav2vec2'])
    await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const post = async (path: string, document: unknown): Promise<{ status: number; code: string; error: string }> => {
  const headers = { 'content-type': 'application/json' };
  const response = await serving.fetch(path, { method: 'POST', headers, body: JSON.stringify(document) });
  const { code, error } = (await response.json()) as { code: string; error: string };
  return { status: response.status, code, error };
};

const PIXEL = BLACK_PIXEL.toString('base64');
const SOUND = Buffer.from(createSilence(0.1, 8_000)).toString('base64');
const TEN_SECONDS = Buffer.from(createSilence(10, 8_000)).toString('base64');
const ALMOST_AN_HOUR = Buffer.from(createSilentFlac(3_595)).toString('base64');
const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('a request beyond a limit of docs/security.md is refused before the model runs', () => {
  it.each<[string, string, () => unknown]>([
    ['1,001 texts', 'sentiment', () => repeat(1_001, 'a')],
    ['a text of 1,048,577 characters', 'sentiment', () => 'a'.repeat(1_048_577)],
    ['100,001 rows', 'iris', () => repeat(100_001, [1, 2, 3, 4])],
    ['33 images', 'efficientnet-lite0', () => repeat(33, PIXEL)],
    ['65 audio files', 'tiny-wav2vec2', () => repeat(65, SOUND)],
    ['more than an hour of sound in two files', 'tiny-wav2vec2', () => [TEN_SECONDS, ALMOST_AN_HOUR]],
  ])('%s', async (_what, model, inputs) => {
    expect(await post(`/models/${model}`, { inputs: inputs() })).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect(serving.observations.at(-1)?.stopwatch.stepsMs).not.toHaveProperty('run');
  });

  it.each([
    ['an object of more than 50 MiB', 'uploads/iris/big.csv', MAX_INPUT_BYTES + 1],
    ['a JSON object of more than 10 MiB', 'uploads/iris/big.json', MAX_JSON_BYTES + 1],
  ])('%s', async (_what, key, sizeBytes) => {
    await serving.data.write(key, Buffer.alloc(sizeBytes, ' '));
    expect(await post('/models/iris', { inputs: { s3: key } })).toMatchObject({
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    });
    const upload = { key, sizeBytes, etag: (await serving.data.head(key)).etag, sequencer: '1', isLastAttempt: false };
    await processUploads(serving, [upload], deadlineAt(Date.now() + 60_000), 'request');
    const result = await serving.data.read(`results/${key.slice('uploads/'.length)}.json`);
    const document = JSON.parse(Buffer.from(result.body).toString());
    expect(document).toMatchObject({ status: 'failed', error: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  it.each([
    ['a parameter', { inputs: 'a', parameters: { ['x'.repeat(9_000)]: 'y'.repeat(9_000) } }],
    [
      'many parameters',
      { inputs: 'a', parameters: Object.fromEntries(repeat(999, 'x').map((x, i) => [`${x}${i}`, x])) },
    ],
    ['a value of another kind', { inputs: { text: ['x'.repeat(9_000)] } }],
    ['a column', { inputs: [{ ['x'.repeat(9_000)]: 1 }] }],
  ])('%s that is long, and the error repeats a part of it alone', async (_what, document) => {
    const { status, error } = await post('/models/sentiment', document);
    expect([status >= 400 && status < 500, error.length <= 2_000]).toEqual([true, true]);
    expect(error).not.toMatch(/x{82}|y{82}/);
    const logged = serving.observations.at(-1)?.failures.map(({ fullMessage }) => fullMessage.length) ?? [];
    expect(Math.max(...logged)).toBeLessThanOrEqual(2_000);
  });

  it('settings of a search with more beams or tokens', () => {
    for (const settings of [{ num_beams: MAX_BEAMS + 1 }, { max_length: MAX_TOKENS + 1 }])
      expect(() => parseGenerationConfig(settings)).toThrow(/num_beams|max_length/);
    const most = { decoder_start_token_id: 0, num_beams: MAX_BEAMS, max_length: MAX_TOKENS };
    expect(parseGenerationConfig(most)).toMatchObject({ numBeams: MAX_BEAMS, maxLength: MAX_TOKENS });
  });
});
