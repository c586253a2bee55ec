import { generateKeyPairSync, sign } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { embedModels } from '../../src/authoring/embed-models.ts';
import { LAMBDA_UNZIPPED_BYTES } from '../../src/core/aws-limits.ts';
import type { EmbedRouting } from '../../src/repository/embedded-models.ts';
import { bundleKey, fileKey, routingKey, signatureKey, versionPrefix } from '../../src/repository/keys.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { setCaptured } from '../../src/repository/routing/rollout.ts';
import type { Targets } from '../../src/repository/routing/routing.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type Background, ordinaryBackground } from '../../src/serving/background.ts';
import type { ServingOptions } from '../../src/serving/create-serving.ts';
import { type DeployedFunction, deployFunction } from '../support/deployed-function.ts';
import { startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const ADD = 'test/fixtures/models/add.onnx';

let root: string;
let bucket: UploadingStore;
let serving: TestServing | undefined;
/** The requests to the bucket since the function started. */
let requests: string[];
let pending: Promise<unknown>[];

const repository = () => createModelRepository(bucket);
const embeddedDirectory = () => join(root, 'opt');
const route = (name: string, targets: Partial<Targets>) =>
  changeRouting(repository(), name, { by: 'a test', action: 'test' }, (current) => ({
    stable: current?.stable ?? 1,
    aliases: {},
    ...targets,
  }));
const embed = (...names: string[]) => embedModels(repository(), names, embeddedDirectory(), 0);

/** The bucket, which notes its requests. */
const watched = (): UploadingStore =>
  new Proxy(bucket, {
    get: (store, property: keyof UploadingStore) => {
      const value = store[property];
      if (typeof value !== 'function') return value;
      return (key: string, ...rest: never[]) => {
        requests.push(`${property} ${key}`);
        return Reflect.apply(value, store, [key, ...rest]);
      };
    },
  });

const background: Background = {
  hold: (work) => pending.push(work),
  defer: (start) =>
    pending.push(new Promise<void>((ended) => ordinaryBackground.defer(() => start().finally(() => ended())))),
};
/** Waits until nothing goes on behind the answers. */
const settle = async (): Promise<void> => {
  for (let seen = 0; seen < pending.length; ) {
    seen = pending.length;
    await Promise.all(pending);
  }
};

/** A new environment of the function. */
const start = async (
  names: readonly string[],
  routing: EmbedRouting = 'deployed',
  options: Partial<ServingOptions> = {},
): Promise<TestServing> => {
  await serving?.remove();
  const embedded = { directory: embeddedDirectory(), names, routing };
  serving = await createTestServing({ models: watched() }, { background, embedded, ...options });
  requests = [];
  return serving;
};

const row = (name: string) => ({ name, shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] });
const BODY = JSON.stringify({ inputs: [row('a'), row('b')] });
const infer = async (name: string, target = '', headers: Record<string, string> = {}) => {
  const response = await serving?.fetch(`/v2/models/${name}${target}/infer`, { method: 'POST', body: BODY, headers });
  return { status: response?.status, version: response?.headers.get('x-model-version') };
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'embedded-models-'));
  bucket = createDirectoryStore(join(root, 'bucket'));
  [requests, pending] = [[], []];
  for (const name of ['m', 'n']) for (const _version of [1, 2]) await publishModel(repository(), name, ADD);
  for (const name of ['m', 'n']) await route(name, { stable: 1 });
});
afterEach(async () => {
  await settle();
  await serving?.remove();
  serving = undefined;
  await rm(root, { recursive: true, force: true });
});

describe('a new environment with embedded models', () => {
  it('answers each of them without a request to S3, and looks for a newer routing behind the answer', async () => {
    await embed('m', 'n');
    await start(['m', 'n']);

    for (const name of ['m', 'n']) {
      expect(await infer(name)).toEqual({ status: 200, version: '1' });
      expect(requests).toEqual([]);
      await settle();
      expect(requests).toEqual([`readChanged ${routingKey(name)}`]);
      requests = [];
    }
    expect(serving?.loads.map(({ downloadBytes }) => downloadBytes)).toEqual([0, 0]);
    expect(await readdir(serving?.modelDirectory ?? '')).toEqual([]);
  });

  it('answers by the version of the deployment first, and then by the promoted one', async () => {
    await embed('m');
    await route('m', { stable: 2 });
    await start(['m']);

    expect(await infer('m')).toEqual({ status: 200, version: '1' });
    await settle();

    expect(await infer('m')).toEqual({ status: 200, version: '2' });
    expect(serving?.loads.map(({ version, downloadBytes }) => [version, downloadBytes > 0])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  it('asks S3 for the routing first when it is strict, and takes the files from the layer', async () => {
    await embed('m');
    await start(['m'], 'strict');
    expect(await infer('m')).toEqual({ status: 200, version: '1' });
    expect(requests).toEqual([`read ${routingKey('m')}`]);

    await route('m', { stable: 2 });
    await start(['m'], 'strict');
    expect(await infer('m')).toEqual({ status: 200, version: '2' });
  });

  it('goes on answering while S3 is away', async () => {
    await embed('m');
    await rm(join(root, 'bucket'), { recursive: true });
    await start(['m']);
    const away = () => Promise.reject(Object.assign(new Error('away'), { code: 'EIO' }));
    Object.assign(bucket, { readChanged: away, read: away });

    expect(await infer('m')).toEqual({ status: 200, version: '1' });
    await settle();
    expect(await infer('m')).toEqual({ status: 200, version: '1' });
  });

  it('answers for a model that was deleted once at most', async () => {
    await embed('m');
    await rm(join(root, 'bucket', 'models', 'm'), { recursive: true });
    await start(['m']);

    expect((await infer('m')).status).toBe(200);
    await settle();
    expect((await infer('m')).status).toBe(404);
  });

  it('takes other models, versions and aliases from S3', async () => {
    await route('m', { stable: 1, aliases: { next: 2 } });
    await embed('m');
    await start(['m', 'never-embedded']);

    expect(await infer('n')).toEqual({ status: 200, version: '1' });
    expect(await infer('m', '/versions/2')).toEqual({ status: 200, version: '2' });
    expect((await infer('never-embedded')).status).toBe(404);
  });

  it('answers a share of the callers by the canary without S3', async () => {
    await route('m', { stable: 1, canary: { version: 2, weight: 1 } });
    await embed('m');
    await start(['m']);

    expect(await infer('m', '', { 'x-routing-key': 'caller' })).toEqual({ status: 200, version: '2' });
    expect(requests).toEqual([]);
  });

  it('serves no version that was withdrawn since, and none that its keys have not signed', async () => {
    await embed('m');
    await start(['m'], 'deployed', { withdrawn: ['m/1'] });
    expect((await infer('m')).status).toBe(503);

    await start(['m'], 'deployed', { trustedKeys: [generateKeyPairSync('ed25519').publicKey] });
    expect((await infer('m')).status).toBe(500);
  });
});

describe('the packaged infer', () => {
  it('answers while nothing answers as S3, and takes a newer version when S3 is back', async () => {
    const storage = await startEmbeddedStorage();
    const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
    const models = createModelRepository(store);
    for (const _version of [1, 2]) await publishModel(models, 'm', ADD);
    await embedModels(models, ['m'], embeddedDirectory(), 0);
    await publishModel(models, 'm', ADD);
    const environment = { EMBED_MODELS: 'm', EMBEDDED_DIR: embeddedDirectory(), ROUTING_TTL_SECONDS: '0' };
    const event = JSON.parse(await readFile('events/infer-tensors.json', 'utf8'));
    const ask = async ({ invoke }: DeployedFunction) => {
      const answer = await invoke({ ...event, rawPath: '/v2/models/m/infer', body: BODY, isBase64Encoded: false });
      const { headers } = answer as { headers: Record<string, string> };
      return headers['x-model-version'];
    };
    const nowhere = { ...storage, endpoint: 'http://127.0.0.1:1' };
    const away = await deployFunction('infer', nowhere, join(root, 'away'), environment);
    const back = await deployFunction('infer', storage, join(root, 'back'), environment);
    try {
      expect(await ask(away)).toBe('2');
      expect(await ask(away)).toBe('2');
      expect(await ask(back)).toBe('2');
      while ((await ask(back)) === '2') await new Promise((wake) => setTimeout(wake, 50));
      expect(await ask(back)).toBe('3');
    } finally {
      await Promise.all([away.stop(), back.stop(), storage.stop()]);
    }
  });
});

describe('packing', () => {
  it('takes the files that a load needs, and is the same byte by byte while the targets are', async () => {
    expect(await embed('m', 'm')).toEqual([{ name: 'm', version: 1, bytes: 115 }]);
    const files = async () =>
      (await readdir(embeddedDirectory(), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(embeddedDirectory().length + 1))
        .sort();
    expect(await files()).toEqual([bundleKey('m', 1), fileKey('m', 1, 'add.onnx'), routingKey('m')]);
    const routing = await readFile(join(embeddedDirectory(), routingKey('m')));

    await route('m', { stable: 2 });
    await route('m', { stable: 1 });
    await embed('m');
    expect(await readFile(join(embeddedDirectory(), routingKey('m')))).toEqual(routing);

    const reason = { by: 'a test', action: 'test' };
    await changeRouting(repository(), 'm', reason, setCaptured(true));
    await embed('m');
    expect(JSON.parse(await readFile(join(embeddedDirectory(), routingKey('m')), 'utf8'))).toEqual({
      ...JSON.parse(routing.toString()),
      captured: true, // or the first prediction of each environment would be lost
    });

    await embed('n');
    expect(await files()).toEqual([bundleKey('n', 1), fileKey('n', 1, 'add.onnx'), routingKey('n')]);
  });

  it('refuses a file that differs from its bundle', async () => {
    await appendFile(join(root, 'bucket', fileKey('m', 1, 'add.onnx')), 'x');

    await expect(embed('m')).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining('116') });
  });

  it('refuses a version without a signature of the trusted keys, and packs the signature of another', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const trusting = createModelRepository(bucket, { trustedKeys: [publicKey] });
    const pack = () => embedModels(trusting, ['m'], embeddedDirectory(), 0);
    await expect(pack()).rejects.toMatchObject({ message: expect.stringContaining('is not signed') });

    const { body } = await bucket.read(bundleKey('m', 1));
    await bucket.write(signatureKey('m', 1), sign(null, body, privateKey).toString('base64'));
    await pack();
    await start(['m'], 'deployed', { trustedKeys: [publicKey] });
    expect(await infer('m')).toEqual({ status: 200, version: '1' });
    expect(requests).toEqual([]);
  });

  it('says which models do not fit before it reads any, with figures', async () => {
    await expect(
      embedModels(repository(), ['m', 'n'], embeddedDirectory(), LAMBDA_UNZIPPED_BYTES - 200),
    ).rejects.toThrow(
      'the models to embed have 230 B (m 115 B, n 115 B), and there is room for 200 B beside 262.1 MB of code',
    );
    expect(await readdir(root)).not.toContain('opt');
  });

  it.each([
    ['missing', 'no model missing'],
    ['../n', 'is not allowed'],
  ])('refuses %s', async (name, problem) => {
    await expect(embed('m', name)).rejects.toThrow(problem);
  });

  it('refuses a version that is routed to and gone', async () => {
    await rm(join(root, 'bucket', versionPrefix('m', 1)), { recursive: true });

    await expect(embed('m')).rejects.toThrow('model m has no version 1');
  });
});
