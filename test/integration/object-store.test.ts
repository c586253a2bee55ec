import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createDirectoryStore } from '../../src/repository/directory-store.ts';
import { createS3Store } from '../../src/repository/s3-store.ts';
import { createS3UploadStore } from '../../src/repository/s3-upload-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { itBehavesLikeAnObjectStore } from '../support/object-store-contract.ts';
import { createTestS3Client } from '../support/s3.ts';

describe('S3 store', () => {
  let storage: EmbeddedStorage;

  beforeAll(async () => {
    storage = await startEmbeddedStorage();
  });
  afterAll(() => storage.stop());

  itBehavesLikeAnObjectStore(async () =>
    createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket),
  );

  it('lists more than a page', async () => {
    const store = createS3Store(createTestS3Client(storage.endpoint), storage.dataBucket);
    const writeSome = async (first: number): Promise<void> => {
      for (let index = first; index < 1050; index += 30) await store.write(`page/${index}/x`, '');
    };
    await Promise.all(Array.from({ length: 30 }, (_, first) => writeSome(first)));

    let objects = 0;
    for await (const _object of store.list('page/')) objects += 1;
    let folders = 0;
    for await (const _folder of store.folders('page/')) folders += 1;

    expect([objects, folders]).toEqual([1050, 1050]);
  });
});

describe('S3 store without an S3', () => {
  let server: Server | undefined;

  const storeAgainst = async (answer: Parameters<typeof createServer>[1]) => {
    server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((ready) => server?.once('listening', ready));
    const { port } = server.address() as AddressInfo;
    return createS3Store(createTestS3Client(`http://127.0.0.1:${port}`), 'bucket');
  };
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  it('reports a refused connection as unavailable', async () => {
    const store = createS3Store(createTestS3Client('http://127.0.0.1:1'), 'bucket');

    await expect(store.read('key')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('reports an S3 that answers 500 as unavailable, after trying again', async () => {
    let attempts = 0;
    const store = await storeAgainst((_request, response) => {
      attempts += 1;
      response.writeHead(500).end();
    });

    await expect(store.read('key')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(attempts).toBeGreaterThan(1);
  });

  it('reports an S3 that stays silent as unavailable', async () => {
    const store = await storeAgainst(() => {});

    await expect(store.read('key')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('reports a body that breaks off as unavailable', async () => {
    const store = await storeAgainst((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    });

    await expect(store.read('key')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });
});

describe('directory store', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'directory-store-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  itBehavesLikeAnObjectStore(async () => createDirectoryStore(root));

  it('refuses a key that leaves the directory', async () => {
    await expect(createDirectoryStore(root).write('../outside', 'x')).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
  });
});
