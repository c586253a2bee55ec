import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deadlineAt } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import { bundleKey, fileKey } from '../../src/repository/keys.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { preload } from '../../src/serving/preload.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, publishSample, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

let serving: TestServing;
let coffee: Buffer;

const start = async (stores?: Parameters<typeof createTestServing>[0]) => {
  serving = await createTestServing(stores);
  coffee = await readFile(`${SAMPLE_FOLDER}/samples/coffee.jpg`);
};
const ask = (path = '/models/lite0') =>
  serving.fetch(path, { method: 'POST', body: coffee, headers: { 'content-type': 'image/jpeg' } });
const storedFile = (version = 1) => join(serving.repository.store.location, fileKey('lite0', version, 'model.onnx'));

const leftovers = () => readdir(serving.modelDirectory).catch(() => []);

describe('loading a model', () => {
  beforeEach(async () => {
    await start();
    await publishSample(serving.repository, 'lite0');
  });
  afterEach(() => serving.remove());

  it('happens once for requests that come at the same time', async () => {
    const responses = await Promise.all([ask(), ask(), ask()]);

    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(serving.loads).toHaveLength(1);
    expect(serving.loads[0]).toMatchObject({ model: 'lite0', version: 1, downloadBytes: 9334446 });
  });

  it('leaves nothing but the whole bundle on disk', async () => {
    await ask();

    const { digest } = await serving.repository.bundle('lite0', 1);
    expect(await readdir(serving.modelDirectory)).toEqual([digest]);
    expect(await readdir(join(serving.modelDirectory, digest))).toEqual(['model.onnx']);
  });

  it('answers by a new version once the routing is read again', async () => {
    await ask();
    await publishSample(serving.repository, 'lite0');

    expect((await ask()).headers.get('x-model-version')).toBe('1');
    serving.clock.nowMs += 61_000;
    expect((await ask()).headers.get('x-model-version')).toBe('2');
    expect((await ask('/models/lite0/versions/1')).headers.get('x-model-version')).toBe('1');
  });

  describe.each([
    [
      'altered',
      async () => {
        const original = await readFile(storedFile());
        await truncate(storedFile(), original.byteLength - 1);
        await appendFile(storedFile(), 'x');
      },
    ],
    ['cut short', () => truncate(storedFile(), 1000)],
  ])('of which a file was %s after the push', (_how, damage) => {
    it('answers 500 without the cause, and 200 when the file is right again', async () => {
      const original = await readFile(storedFile());
      await damage();

      const refused = await ask();
      const again = await ask();

      expect([refused.status, again.status]).toEqual([500, 500]);
      const { error, code } = (await refused.json()) as { error: string; code: string };
      expect(code).toBe('MODEL_INVALID');
      expect(error).not.toMatch(/sha256|bytes|model\.onnx/);
      expect(serving.observations[0]?.failures[0]?.message).toMatch(/sha256|bytes/);
      expect(await leftovers()).toEqual([]);
      await serving.repository.store.write(fileKey('lite0', 1, 'model.onnx'), original);
      expect((await ask()).status).toBe(200);
    });
  });

  it.each([
    ['a file of the version', () => rm(storedFile())],
    ['the version', () => serving.repository.store.remove(bundleKey('lite0', 1))],
  ])('answers 503 with retry-after when %s was deleted although it is routed to', async (_what, remove) => {
    await remove();

    const response = await ask();

    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await leftovers()).toEqual([]);
  });

  it('answers again once a bundle that was wrong is right', async () => {
    const right = (await serving.repository.store.read(bundleKey('lite0', 1))).body;
    await serving.repository.store.write(
      bundleKey('lite0', 1),
      Buffer.from(right)
        .toString()
        .replace(/[0-9a-f]{64}/, '0'.repeat(64)),
    );
    expect((await ask()).status).toBe(500);

    await serving.repository.store.write(bundleKey('lite0', 1), right);

    expect((await ask()).status).toBe(200);
  });

  it('answers 500 when a bundle is no JSON', async () => {
    await serving.repository.store.write(bundleKey('lite0', 1), '{"formatVersion": 1');

    expect((await ask()).status).toBe(500);
  });

  it.each([100, 5_000, 18_000])('keeps nothing of a file of which only %i blocks can be written', async (blocks) => {
    // A write that meets the limit, or the end of a disk, is cut short without an error; only the next one fails.
    const target = join(serving.modelDirectory, 'bundle');
    const script = join(import.meta.dirname, '../support/ensure-files.ts');
    const command = `ulimit -f ${blocks}; exec node "$0" "$@"`;
    const words = ['-c', command, script, serving.repository.store.location, 'lite0', target];

    const { stdout } = await promisify(execFile)('sh', words);

    expect(stdout).toBe('INSUFFICIENT_STORAGE');
    expect(await leftovers()).toEqual([]);
  });

  it('answers 507 when the disk is full, and keeps no partial file', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const { store } = serving.repository;
    const original = store.readBlocks;
    // biome-ignore lint/correctness/useYield: fails before the first chunk, as a write to a full disk does
    (store as { readBlocks: ObjectStore['readBlocks'] }).readBlocks = async function* () {
      throw full;
    };

    const response = await ask();

    expect(response.status).toBe(507);
    expect(serving.observations[0]?.failures[0]?.operator).toContain('tmpSize');
    expect(await readdir(serving.modelDirectory)).toEqual([]);
    (store as { readBlocks: ObjectStore['readBlocks'] }).readBlocks = original;
    expect((await ask()).status).toBe(200);
  });
});

describe('without S3', () => {
  afterEach(() => serving.remove());

  it.each(['/models/lite0', '/models/lite0/versions/1'])('answers 503 with retry-after on %s', async (path) => {
    await start({ models: createS3UploadStore(createTestS3Client('http://127.0.0.1:1'), 'models') });

    const response = await ask(path);

    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await response.json()).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      error: expect.not.stringContaining('127.0.0.1'),
    });
  });

  it('answers 503 at the deadline when S3 is slow', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await start({ models: createS3UploadStore(createTestS3Client(`http://127.0.0.1:${port}`), 'models') });

    const deadline = deadlineAt(Date.now() + 500);
    const response = await serving.fetch('/models/lite0', { method: 'POST', body: coffee, deadline });

    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    silent.closeAllConnections();
    silent.close();
  });

  it('goes on answering with a model that is in memory', async () => {
    await start();
    await publishSample(serving.repository, 'lite0');
    await ask();
    const { store } = serving.repository;
    (store as { read: ObjectStore['read'] }).read = async () => {
      throw new ServingError('MODEL_UNAVAILABLE', 'gone');
    };
    serving.clock.nowMs += 61_000;

    expect((await ask()).status).toBe(200);
  });
});

describe('preloading', () => {
  beforeEach(() => start());
  afterEach(() => serving.remove());

  it('loads a model before the first request', async () => {
    await publishSample(serving.repository, 'lite0');

    await preload(serving, ['lite0'], 9_000);

    expect(serving.loads).toHaveLength(1);
    expect((await ask()).status).toBe(200);
    expect(serving.loads).toHaveLength(1);
  });

  it('brings the files, but creates no session that may not end in time', async () => {
    await publishSample(serving.repository, 'lite0');
    const { digest, ...bundle } = await serving.repository.bundle('lite0', 1);
    const graphs = { model: { ...(bundle.graphs.model as NonNullable<typeof bundle.graphs.model>), createMs: 5_000 } };
    await serving.repository.store.write(bundleKey('lite0', 1), JSON.stringify({ ...bundle, graphs }));

    await preload(serving, ['lite0'], 9_000);

    expect(serving.loads).toHaveLength(0);
    expect(await readdir(serving.modelDirectory)).toHaveLength(1);
    await preload(serving, ['lite0'], 129_000); // provisioned concurrency
    expect(serving.loads).toHaveLength(1);
    expect(digest).toHaveLength(64);
  });

  it('reports a model that is missing, and leaves the function healthy', async () => {
    await preload(serving, ['lite0'], 9_000);

    expect(serving.warnings).toEqual([
      expect.objectContaining({ code: 'NOT_FOUND', operator: expect.stringContaining('push') }),
    ]);
    expect((await serving.fetch('/v2/health/ready')).status).toBe(200);
    expect((await ask()).status).toBe(404);
    await publishSample(serving.repository, 'lite0');
    expect((await ask()).status).toBe(200);
  });
});
