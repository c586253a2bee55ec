import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changeCaptureSettings, readCaptureSettings } from '../../src/capture/capture-settings.ts';
import { captureObjectKey } from '../../src/capture/keys.ts';
import { isSampled, parsePredictionId } from '../../src/capture/prediction-id.ts';
import { deadlineAt } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import { processUploads } from '../../src/jobs/uploads.ts';
import { captureKey } from '../../src/repository/keys.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { setCanary, setShadow } from '../../src/repository/routing/rollout.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { capturesOf, startCapture } from '../support/monitoring/captures.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

const FLOWER = [5.1, 3.5, 1.4, 0.2];
const TODAY = new Date().toISOString().slice(0, 10);

let serving: TestServing;

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of ['iris', 'sentiment', 'efficientnet-lite0', 'retail-recommender'])
    await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

const ask = (path: string, inputs: unknown, init: RequestInit = {}) =>
  serving.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
    ...init,
  });

const keysIn = async (prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of serving.data.list(prefix)) keys.push(key);
  return keys;
};

beforeEach(async () => {
  // Settings of the test before are no longer known.
  serving.clock.nowMs += 100_000;
  await capturesOf(serving, 'iris');
  for (const key of await keysIn('captures/')) await serving.data.remove(key);
});

describe('capture', () => {
  it('is off until it is asked for', async () => {
    const response = await ask('/models/iris', [FLOWER]);
    expect(response.status).toBe(200);
    expect(await capturesOf(serving, 'iris')).toEqual([]);
    expect(await keysIn('captures/')).toEqual([]);
  });

  it('records a row with its columns, and the label with its score', async () => {
    await startCapture(serving, 'iris');
    const response = await ask('/models/iris', [FLOWER, [6.3, 2.8, 5.1, 1.5]]);
    const id = response.headers.get('x-prediction-id') ?? '';
    expect(parsePredictionId(id)).toEqual({ day: TODAY, model: 'iris', version: 1 });

    const records = await capturesOf(serving, 'iris');
    expect(records).toHaveLength(2);
    expect(records[0]).toMatchObject({
      ...{ id, row: 0, rows: 2, model: 'iris', version: 1, arm: 'stable', source: 'request', status: 'ok' },
      ...{ type: 'application/json', bytes: 37, label: 'setosa' },
      features: {
        ...{ 'sepal length (cm)': 5.1, 'sepal width (cm)': 3.5 },
        ...{ 'petal length (cm)': 1.4, 'petal width (cm)': 0.2 },
      },
    });
    expect(records[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(records[0]?.input).toBeUndefined();
    const { score = 0, margin = 0, entropy = 0, latency_ms } = records[0] ?? {};
    expect(score).toBeGreaterThan(0.9);
    expect(margin).toBeLessThan(score);
    expect(entropy).toBeGreaterThan(0);
    expect(latency_ms).toBeGreaterThan(0);
    expect(records[1]).toMatchObject({ id, row: 1, features: { 'petal width (cm)': 1.5 } });
  });

  it('lies in a partition of model and day, by hour and environment, as gzip of JSON Lines', async () => {
    await startCapture(serving, 'iris');
    await ask('/models/iris', [FLOWER]);
    await capturesOf(serving, 'iris');
    const [key = ''] = await keysIn('captures/');
    expect(key).toMatch(new RegExp(`^captures/model=iris/day=${TODAY}/\\d\\d-[0-9a-f]{8}-\\d+\\.jsonl\\.gz$`));
    const lines = gunzipSync((await serving.data.read(key)).body).toString();
    expect(JSON.parse(lines)).toMatchObject({ model: 'iris' });
    expect(Object.keys(JSON.parse(lines)).join()).toMatch(/^[a-z0-9_,]+$/); // Athena reads names in lower case
  });

  it('describes texts, images and recommendations by their own figures', async () => {
    for (const name of ['sentiment', 'efficientnet-lite0', 'retail-recommender']) await startCapture(serving, name);
    await ask('/models/sentiment', 'I love this phone, it works perfectly.');
    const body = await readFile('models/efficientnet-lite0/samples/coffee.jpg');
    await ask('/models/efficientnet-lite0', '', { headers: { 'content-type': 'image/jpeg' }, body });
    const history = await readFile('models/retail-recommender/samples/history.json', 'utf8');
    await ask('/models/retail-recommender', '', { body: history });

    expect((await capturesOf(serving, 'sentiment'))[0]).toMatchObject({
      ...{ label: 'POSITIVE', features: { characters: 38, script: 'latin', unknown_share: 0 } },
    });
    const [image] = await capturesOf(serving, 'efficientnet-lite0');
    expect(image).toMatchObject({ type: 'image/jpeg', bytes: body.byteLength, features: { width: 600, height: 400 } });
    for (const name of ['brightness', 'contrast']) {
      expect(image?.features?.[name]).toBeGreaterThan(0.05);
      expect(image?.features?.[name]).toBeLessThan(0.95);
    }
    const [recommended] = await capturesOf(serving, 'retail-recommender');
    expect(recommended).toMatchObject({ features: { has_user: 0 } });
    expect(recommended?.label).toEqual(expect.any(String));
  });

  it('records tensors of the Open Inference Protocol', async () => {
    await startCapture(serving, 'iris');
    const tensor = { name: 'X', shape: [1, 4], datatype: 'FP32', data: FLOWER };
    const response = await serving.fetch('/v2/models/iris/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs: [tensor] }),
    });
    expect(response.status).toBe(200);
    const [record] = await capturesOf(serving, 'iris');
    expect(record).toMatchObject({
      id: response.headers.get('x-prediction-id'),
      features: { 'X.2': expect.closeTo(1.4) },
    });
  });

  it('records errors, sampled or not, with their code', async () => {
    await startCapture(serving, 'iris', { share: 1e-9 });
    const refused = await ask('/models/iris', [['much', 1, 1, 1]]);
    expect(refused.status).toBe(422);
    await ask('/models/iris', [FLOWER]);
    const records = await capturesOf(serving, 'iris');
    expect(records.map(({ status }) => status)).toEqual(['INVALID_INPUT']);
  });

  it('records the shadow under the id of its answer, and the arm of each', async () => {
    await pushNamed(serving.repository, 'iris');
    const { repository } = serving;
    await changeRouting(repository, 'iris', { by: 'a test', action: 'promote' }, (current) => ({
      aliases: {},
      ...current,
      stable: 1,
    }));
    await changeRouting(repository, 'iris', { by: 'a test', action: 'shadow' }, setShadow({ version: 2, rate: 1 }));
    await startCapture(serving, 'iris');
    await ask('/models/iris', [FLOWER]); // the routing is read again behind it
    await capturesOf(serving, 'iris');
    const response = await ask('/models/iris', [FLOWER]);
    const id = response.headers.get('x-prediction-id');
    const pair = (await capturesOf(serving, 'iris')).filter((record) => record.id === id);
    expect(pair.map(({ arm, version }) => `${arm} ${version}`).sort()).toEqual(['shadow 2', 'stable 1']);

    await changeRouting(repository, 'iris', { by: 'a test', action: 'canary' }, setCanary({ version: 2, weight: 1 }));
    serving.clock.nowMs += 100_000;
    await ask('/models/iris', [FLOWER]);
    await capturesOf(serving, 'iris');
    const canary = await ask('/models/iris', [FLOWER]);
    await ask('/models/iris/versions/1', [FLOWER]);
    const arms = (await capturesOf(serving, 'iris')).slice(-3).map(({ arm, version }) => `${arm} ${version}`);
    expect(canary.headers.get('x-model-version')).toBe('2');
    expect(arms).toContain('canary 2');
    expect(arms).toContain('pinned 1');
    await changeRouting(repository, 'iris', { by: 'a test', action: 'end' }, () => ({ stable: 1, aliases: {} }));
  });

  it('records uploads, each under an id of its own', async () => {
    await startCapture(serving, 'iris');
    for (const key of ['uploads/iris/a.json', 'uploads/iris/b.json'])
      await serving.data.write(key, JSON.stringify({ inputs: [FLOWER] }));
    const uploads = await Promise.all(
      ['uploads/iris/a.json', 'uploads/iris/b.json'].map(async (key) => {
        const { etag, sizeBytes } = await serving.data.head(key);
        return { key, etag, sizeBytes, sequencer: '1', isLastAttempt: false };
      }),
    );
    await processUploads(serving, uploads, deadlineAt(Date.now() + 60_000), 'request');
    const records = await capturesOf(serving, 'iris');
    expect(records.map(({ source }) => source)).toEqual(['upload', 'upload']);
    expect(new Set(records.map(({ id }) => id)).size).toBe(2);
  });

  it('keeps inputs only when it is told to, without the fields that are to be left out', async () => {
    await startCapture(serving, 'iris', { inputs: 'full' });
    await ask('/models/iris', [FLOWER]);
    expect((await capturesOf(serving, 'iris')).at(-1)?.input).toBe('[[5.1,3.5,1.4,0.2]]');

    await startCapture(serving, 'iris', { redact: ['sepal length (cm)', 'score'] });
    serving.clock.nowMs += 100_000;
    const [one, two, three, four] = FLOWER;
    const rest = { 'sepal width (cm)': two, 'petal length (cm)': three, 'petal width (cm)': four };
    await ask('/models/iris', [{ 'sepal length (cm)': one, ...rest }]);
    const secret = (await capturesOf(serving, 'iris')).at(-1);
    expect(JSON.parse(secret?.input ?? '')).toEqual([{ 'sepal length (cm)': null, ...rest }]);
    expect(secret?.features).toEqual(rest);
    expect(secret).not.toHaveProperty('score');
    expect(secret).not.toHaveProperty('sha256'); // a guess at a value could be checked by it

    await ask('/models/iris', '', { headers: { 'content-type': 'text/csv' }, body: '5.1,3.5,1.4,0.2\n' });
    expect((await capturesOf(serving, 'iris')).at(-1)?.input_omitted).toMatch(/cannot be redacted/);

    await startCapture(serving, 'iris', { inputs: 'none', redact: [] });
    serving.clock.nowMs += 100_000;
    await ask('/models/iris', [FLOWER]);
    const none = (await capturesOf(serving, 'iris')).at(-1);
    expect(none).toMatchObject({ bytes: 19, label: 'setosa' });
    for (const field of ['features', 'input', 'sha256']) expect(none).not.toHaveProperty(field);
  });

  it('ends when the settings are gone, and names settings that are damaged', async () => {
    await startCapture(serving, 'iris', { inputs: 'features' });
    await ask('/models/iris', [FLOWER]);
    const before = (await capturesOf(serving, 'iris')).length;
    await serving.repository.store.write(captureKey('iris'), '{"share": 2}');
    serving.clock.nowMs += 100_000;
    await ask('/models/iris', [FLOWER]);
    await capturesOf(serving, 'iris');
    expect(serving.warnings.at(-1)?.message).toMatch(/capture\.json/);

    await serving.repository.store.remove(captureKey('iris'));
    serving.clock.nowMs += 100_000;
    await ask('/models/iris', [FLOWER]);
    await ask('/models/iris', [FLOWER]);
    expect((await capturesOf(serving, 'iris')).length).toBeLessThanOrEqual(before + 1);
  });
});

describe('capture while S3 refuses writes', () => {
  it('leaves answers alone, keeps the newest thousand records, and counts the lost ones', async () => {
    const store = createDirectoryStore(`${serving.modelDirectory}-refusing`);
    let isRefusing = true;
    const data: typeof store = {
      ...store,
      write: async (...parameters) => {
        if (isRefusing) throw new ServingError('MODEL_UNAVAILABLE', 'S3 does not take it');
        return store.write(...parameters);
      },
    };
    const refusing = await createTestServing({ data });
    try {
      await pushNamed(refusing.repository, 'iris');
      await startCapture(refusing, 'iris');
      for (let request = 0; request < 12; request += 1) {
        const rows = Array.from({ length: 100 }, () => FLOWER);
        const body = JSON.stringify({ inputs: rows });
        const response = await refusing.fetch('/models/iris', { method: 'POST', body });
        expect(response.status).toBe(200);
        await capturesOf(refusing, 'iris');
      }
      expect(refusing.lostCaptures.reduce((sum, { records }) => sum + records, 0)).toBe(200);
      isRefusing = false;
      expect(await capturesOf(refusing, 'iris')).toHaveLength(1_000);
    } finally {
      await refusing.remove();
    }
  });

  it('counts what is lost when the process ends', async () => {
    const store = createDirectoryStore(`${serving.modelDirectory}-ending`);
    const refuse = async (): Promise<never> => {
      throw new ServingError('MODEL_UNAVAILABLE', 'S3 does not take it');
    };
    const ending = await createTestServing({ data: { ...store, write: refuse } });
    try {
      await pushNamed(ending.repository, 'iris');
      await startCapture(ending, 'iris');
      const body = JSON.stringify({ inputs: [FLOWER, FLOWER] });
      expect((await ending.fetch('/models/iris', { method: 'POST', body })).status).toBe(200);
      await ending.idle();
      await ending.end();
      await ending.end();
      expect(ending.lostCaptures).toEqual([expect.objectContaining({ model: 'iris', records: 2 })]);
    } finally {
      await ending.remove();
    }
  });
});

describe('capture settings', () => {
  it('of two writers at once both stay', async () => {
    const { repository } = serving;
    const { store } = repository;
    await Promise.all([
      changeCaptureSettings(repository, 'sentiment', 'one', { share: 0.5 }),
      changeCaptureSettings(repository, 'sentiment', 'two', { inputs: 'none' }),
    ]);
    expect((await readCaptureSettings(store, 'sentiment'))?.settings).toMatchObject({ share: 0.5, inputs: 'none' });
  });
});

describe('ids of predictions', () => {
  it.each([
    [
      '20261125-3-0123456789abcdef0123456789abcdef-a.model_x-1',
      { day: '2026-11-25', version: 3, model: 'a.model_x-1' },
    ],
    ['20261325-3-0123456789abcdef0123456789abcdef-iris', undefined],
    ['20261125-0-0123456789abcdef0123456789abcdef-iris', undefined],
    ['20261125-3-0123456789abcdef0123456789abcdef-../keys', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parsePredictionId(text)).toEqual(expected);
  });

  it('are sampled by their hash, in the share that was asked for', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `20261125-3-${index}-iris`);
    const sampled = ids.filter((id) => isSampled(id, 0.1));
    expect(sampled.length).toBeGreaterThan(900);
    expect(sampled.length).toBeLessThan(1_100);
    expect(sampled.every((id) => isSampled(id, 0.2))).toBe(true);
  });

  it('lie in the hour of their record', () => {
    const key = captureObjectKey('iris', Date.parse('2026-11-25T23:59:59Z'), 'abc', 7);
    expect(key).toBe('captures/model=iris/day=2026-11-25/23-abc-7.jsonl.gz');
  });
});
