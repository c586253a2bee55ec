import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../src/core/errors.ts';
import { bundleKey, fileKey } from '../../src/repository/keys.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import type { Targets } from '../../src/repository/routing/routing.ts';
import { type Background, ordinaryBackground } from '../../src/serving/background.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const ADD = 'test/fixtures/models/add.onnx';
const TTL_MS = 30_000;

let serving: TestServing;

/** Goes on like the ordinary one, and lets a test wait for it. */
let pending: Promise<unknown>[];
const background: Background = {
  hold: (work) => pending.push(work),
  defer: (start) => ordinaryBackground.defer(() => track(start())),
};
const track = async (work: Promise<void>): Promise<void> => {
  pending.push(work.catch(() => {}));
  await work;
};
/** Waits until nothing goes on behind the answers. */
const settle = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 5)); // what is deferred has begun then
  await Promise.all(pending);
};

beforeEach(async () => {
  pending = [];
  serving = await createTestServing({}, { background });
  for (const _version of [1, 2, 3]) await publishModel(serving.repository, 'm', ADD);
  await route({ stable: 1 });
});
afterEach(() => serving.remove());

const route = async (targets: Partial<Targets>): Promise<void> => {
  await changeRouting(serving.repository, 'm', { by: 'a test', action: 'test' }, (current) => ({
    stable: current?.stable ?? 1,
    aliases: {},
    ...targets,
  }));
};

const row = (name: string) => ({ name, shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] });
const BODY = JSON.stringify({ inputs: [row('a'), row('b')] });

const infer = async (headers: Record<string, string> = {}, path = '/v2/models/m/infer') => {
  const response = await serving.fetch(path, { method: 'POST', body: BODY, headers });
  const body = (await response.json()) as { model_version?: string; error?: string };
  return { status: response.status, version: response.headers.get('x-model-version'), body };
};
const version = async (headers: Record<string, string> = {}) => (await infer(headers)).version;
/** Lets the time to live pass, asks once, and waits for what goes on behind the answer. */
const revalidate = async (ttls = 1) => {
  serving.clock.nowMs += ttls * TTL_MS;
  await infer();
  await settle();
};

describe('a version that is promoted', () => {
  it('is loaded behind the answers of the old one, and then answers', async () => {
    expect(await version()).toBe('1');
    await route({ stable: 2 });
    expect(await version()).toBe('1');

    serving.clock.nowMs += TTL_MS;
    expect(await version()).toBe('1'); // stale, while it is revalidated
    await settle();

    expect(serving.loads.map(({ version: loaded }) => loaded)).toEqual([1, 2]);
    expect(await version()).toBe('2');
  });

  it('answers at once where nobody has asked for long', async () => {
    await version();
    await route({ stable: 2 });
    serving.clock.nowMs += 10 * TTL_MS;

    expect(await version()).toBe('2');
  });

  it('is refused when it cannot be loaded, and the old one goes on answering', async () => {
    await version();
    await serving.repository.store.write(fileKey('m', 2, 'add.onnx'), 'x'.repeat(115));
    await route({ stable: 2 });

    await revalidate();

    expect(serving.refusals).toEqual([
      { model: 'm', version: 2, error: expect.objectContaining({ code: 'MODEL_INVALID' }) },
    ]);
    expect(await version()).toBe('1');
    await route({ stable: 3 });
    await revalidate();
    expect(await version()).toBe('3');
  });

  it('is waited for while the store is away, without a refusal', async () => {
    await version();
    await route({ stable: 2 });
    const { store } = serving.repository;
    const { readBlocks } = store;
    const away = (): never => {
      throw new ServingError('MODEL_UNAVAILABLE', 'away');
    };
    Object.assign(store, { readBlocks: away });
    await revalidate();
    expect(await version()).toBe('1');
    expect(serving.refusals).toEqual([]);

    Object.assign(store, { readBlocks });
    await revalidate();

    expect(await version()).toBe('2');
  });

  it('costs one reading of the routing each time to live, and nothing in between', async () => {
    await version();
    let reads = 0;
    const { store } = serving.repository;
    const { readChanged } = store;
    const counting: typeof readChanged = (...words) => {
      reads += 1;
      return readChanged(...words);
    };
    Object.assign(store, { readChanged: counting });

    for (let request = 0; request < 20; request += 1) await version();
    expect(reads).toBe(0);
    await revalidate();
    await revalidate();

    expect(reads).toBe(2);
  });
});

describe('a canary', () => {
  const versions = async (count: number, headers = (request: number) => ({ 'x-routing-key': `caller-${request}` })) => {
    const answered = new Map<string, number>();
    for (let request = 0; request < count; request += 1) {
      const answer = (await version(headers(request))) ?? 'none';
      answered.set(answer, (answered.get(answer) ?? 0) + 1);
    }
    return answered;
  };

  it('answers its share', async () => {
    await route({ stable: 1, canary: { version: 2, weight: 0.25 } });

    const canary = (await versions(400)).get('2') ?? 0;

    expect(canary).toBeGreaterThan(400 * 0.15);
    expect(canary).toBeLessThan(400 * 0.35);
  });

  it.each(['x-routing-key', 'x-request-id'])(
    'always answers the same %s, and keeps those it had when its weight grows',
    async (header) => {
      await route({ stable: 1, canary: { version: 2, weight: 0.3 } });
      const answered = async () => {
        const answers: (string | null)[] = [];
        for (let request = 0; request < 40; request += 1) answers.push(await version({ [header]: `id-${request}` }));
        return answers;
      };
      const before = await answered();
      expect(await answered()).toEqual(before);
      expect(new Set(before)).toEqual(new Set(['1', '2']));

      await route({ stable: 1, canary: { version: 2, weight: 0.6 } });
      await revalidate();

      const after = await answered();
      before.forEach((answer, request) => {
        if (answer === '2') expect(after[request]).toBe('2');
      });
    },
  );

  it.each([
    [0, '1'],
    [1, '2'],
  ])('with the weight %d leaves the answers to version %s', async (weight, expected) => {
    await route({ stable: 1, canary: { version: 2, weight } });

    expect([...(await versions(30)).keys()]).toEqual([expected]);
  });

  it('that cannot be loaded is refused, and the stable version answers for it', async () => {
    await version();
    await serving.repository.store.write(fileKey('m', 2, 'add.onnx'), 'x'.repeat(115));
    await route({ stable: 3, canary: { version: 2, weight: 1 } });

    await revalidate();

    expect(serving.refusals).toHaveLength(1);
    expect(await version()).toBe('3');
  });
});

describe('an alias', () => {
  it('names a version in the path', async () => {
    await route({ aliases: { next: 2 } });
    const headers = { 'content-type': 'application/json' };

    const response = await serving.fetch('/models/m/aliases/next', { method: 'POST', body: BODY, headers });

    expect(response.headers.get('x-model-version')).toBe('2');
  });

  it('that is unknown is a 404 that names the others', async () => {
    await route({ aliases: { next: 2 } });

    expect(await infer({ 'content-type': 'application/json' }, '/models/m/aliases/prod')).toMatchObject({
      status: 404,
      body: { error: expect.stringMatching(/no alias prod, it has next/) },
    });
    expect((await infer({ 'content-type': 'application/json' }, '/models/m/aliases/constructor')).status).toBe(404);
  });
});

describe('a shadow', () => {
  it('is run after the answer, and compared', async () => {
    await route({ stable: 1, shadow: { version: 2, rate: 1 } });

    const answer = await infer();
    expect(answer).toMatchObject({ status: 200, version: '1', body: { model_version: '1' } });
    expect(serving.shadows).toEqual([]);
    await settle();

    expect(serving.shadows).toEqual([
      { model: 'm', version: 1, shadowVersion: 2, comparisons: [{ changed: false, distance: 0 }], failures: [] },
    ]);
    expect(serving.observations).toHaveLength(1); // it counts as no request
  });

  it('that fails leaves the answers alone', async () => {
    await serving.repository.store.write(fileKey('m', 2, 'add.onnx'), 'x'.repeat(115));
    await route({ stable: 1, shadow: { version: 2, rate: 1 } });

    expect((await infer()).status).toBe(200);
    await settle();
    expect((await infer()).status).toBe(200);
    await settle();
    expect(serving.warnings).toEqual([
      expect.objectContaining({ code: 'MODEL_INVALID' }),
      expect.objectContaining({ code: 'MODEL_INVALID' }),
    ]);
  });

  it('is run for its share', async () => {
    await route({ stable: 1, shadow: { version: 2, rate: 0.3 } });
    for (let request = 0; request < 100; request += 1) await version({ 'x-routing-key': `caller-${request}` });
    await settle();

    expect(serving.shadows.length).toBeGreaterThan(10);
    expect(serving.shadows.length).toBeLessThan(60);
  });

  it.each(['/v2/models/m/versions/1/infer', '/models/m/aliases/old'])('is not run beside %s', async (path) => {
    await route({ stable: 1, shadow: { version: 2, rate: 1 }, aliases: { old: 1 } });

    expect((await infer({ 'content-type': 'application/json' }, path)).status).toBe(200);
    await settle();

    expect(serving.shadows).toEqual([]);
  });
});

describe('the repository index', () => {
  const index = async (body = '{}') => {
    const response = await serving.fetch('/v2/repository/index', { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  };

  it('names every version, whether it is ready, and which requests go to it', async () => {
    await serving.repository.store.write(fileKey('m', 3, 'add.onnx'), 'x'.repeat(115));
    await route({ stable: 1, canary: { version: 2, weight: 0.5 }, aliases: { next: 3 } });
    await infer({}, '/v2/models/m/versions/1/infer');
    await infer({}, '/v2/models/m/versions/3/infer');

    expect(await index()).toEqual({
      status: 200,
      body: [
        { name: 'm', version: '1', state: 'READY', reason: 'stable' },
        { name: 'm', version: '2', state: 'READY', reason: 'loaded when it is asked for (canary 0.5)' },
        { name: 'm', version: '3', state: 'UNAVAILABLE', reason: 'could not be loaded: MODEL_INVALID (alias next)' },
      ],
    });
    expect((await index('{"ready": true}')).body).toHaveLength(2);
    expect((await index('')).body).toHaveLength(3);
  });

  it('names what is broken of a model with its reason, and the other models', async () => {
    const { store } = serving.repository;
    await store.write('models/broken/routing.json', '{');
    await store.write('models/bad name/x', 'x');
    await store.write(bundleKey('m', 2), '{');

    const { status, body } = await index();

    expect(status).toBe(200);
    expect(body).toEqual([
      { name: 'bad name', state: 'UNAVAILABLE', reason: 'routing.json cannot be read: INVALID_REQUEST' },
      { name: 'broken', state: 'UNAVAILABLE', reason: 'routing.json cannot be read: MODEL_INVALID' },
      expect.objectContaining({ name: 'm', version: '1' }),
      {
        ...{ name: 'm', version: '2', state: 'UNAVAILABLE' },
        reason: 'bundle.json cannot be read: MODEL_INVALID (not routed to)',
      },
      expect.objectContaining({ name: 'm', version: '3' }),
    ]);
    expect((await serving.fetch('/v2/models/m')).status).toBe(200);
  });

  it.each(['{"ready": 1}', '{', 'NaN'])('refuses %s', async (body) => {
    expect((await index(body)).status).toBe(400);
  });
});
