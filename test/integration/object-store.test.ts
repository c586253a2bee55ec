import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type S3Client,
  type AbortMultipartUploadCommandInput as UploadTarget,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDeferredStore } from '../../src/repository/stores/deferred-store.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createSignedS3Store } from '../../src/repository/stores/s3-signed-store.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { itBehavesLikeAnObjectStore, itTakesUploads } from '../support/object-store-contract.ts';
import { createTestS3Client, signedBucket } from '../support/s3.ts';

describe('S3 store', () => {
  let storage: EmbeddedStorage;

  beforeAll(async () => {
    storage = await startEmbeddedStorage();
  });
  afterAll(() => storage.stop());

  itBehavesLikeAnObjectStore(async () =>
    createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket),
  );
  itTakesUploads(async () => createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket));

  describe('a file of several parts', () => {
    const MB = 1024 * 1024;
    let directory: string;
    let path: string;
    let bytes: Buffer;
    let client: S3Client;
    let store: UploadingStore;
    const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
    const unfinished = async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: storage.dataBucket }));
      return Uploads;
    };

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'parts-'));
      path = join(directory, 'file');
      bytes = randomBytes(35 * MB + 1);
      await writeFile(path, bytes);
    });
    beforeEach(() => {
      client = createTestS3Client(storage.endpoint);
      store = createS3UploadStore(client, storage.dataBucket);
    });
    afterAll(() => rm(directory, { recursive: true }));

    it('is stored whole, and its progress told', async () => {
      const progress: number[] = [];

      await store.upload('parts/whole', path, { sha256: sha256Of(bytes), onProgress: (sent) => progress.push(sent) });

      const { body, etag } = await store.read('parts/whole');
      expect(bytes.equals(body)).toBe(true);
      expect(etag).toMatch(/-5"$/);
      expect(progress).toHaveLength(5);
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
      expect(progress.at(-1)).toBe(bytes.byteLength);
    });

    it('leaves nothing when it was changed since it was hashed', async () => {
      const upload = store.upload('parts/changed', path, { sha256: sha256Of(Buffer.from('before')) });

      await expect(upload).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(store.head('parts/changed')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await unfinished()).toEqual([]);
    });

    it.each([1, 3, 5])('leaves nothing when part %i arrives damaged', async (damaged) => {
      client.middlewareStack.add(
        (next) => (call) => {
          const input = call.input as { PartNumber?: number; Body?: Buffer };
          if (input.PartNumber !== damaged) return next(call);
          const Body = Buffer.from(input.Body ?? []);
          Body.writeUInt8(Body.readUInt8(0) ^ 1, 0);
          return next({ ...call, input: { ...call.input, Body } });
        },
        { step: 'initialize' },
      );

      const upload = store.upload('parts/damaged', path, { sha256: sha256Of(bytes) });

      await expect(upload).rejects.toMatchObject({ message: expect.stringContaining('checksum-sha256') });
      await expect(store.head('parts/damaged')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await unfinished()).toEqual([]);
    });

    it('is sent again in part when S3 fails in between', async () => {
      let failures = 0;
      client.middlewareStack.add(
        (next) => (call) => {
          const { query } = call.request as { query: Record<string, string> };
          if (query.partNumber === '2' && failures < 2) {
            failures += 1;
            throw Object.assign(new Error('connection reset'), { name: 'TimeoutError' });
          }
          return next(call);
        },
        { step: 'deserialize', priority: 'low' },
      );

      await store.upload('parts/again', path, { sha256: sha256Of(bytes) });

      expect(failures).toBe(2);
      expect(bytes.equals((await store.read('parts/again')).body)).toBe(true);
    });

    it.each([
      ['is stored when the answer to its completion is lost', false],
      ['is not stored when somebody else aborts its upload', true],
    ])('%s', async (_what, aborts) => {
      let completions = 0;
      client.middlewareStack.add(
        (next, { commandName }) =>
          async (call) => {
            if (commandName !== 'CompleteMultipartUploadCommand') return next(call);
            completions += 1;
            if (completions > 1) return next(call);
            if (aborts) await storage.client.send(new AbortMultipartUploadCommand(call.input as UploadTarget));
            else await next(call);
            throw Object.assign(new Error('connection reset'), { name: 'TimeoutError' });
          },
        { step: 'initialize' },
      );

      const key = `parts/lost-${aborts}`;
      const upload = store.upload(key, path, { sha256: sha256Of(bytes) });

      if (aborts) {
        await expect(upload).rejects.toMatchObject({ message: expect.stringContaining('NoSuchUpload') });
        await expect(store.head(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      } else {
        await upload;
        expect(bytes.equals((await store.read(key)).body)).toBe(true);
      }
      expect(completions).toBe(2);
    });
  });

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

describe('S3 store that reads without the SDK', () => {
  let storage: EmbeddedStorage;

  beforeAll(async () => {
    storage = await startEmbeddedStorage();
  });
  afterAll(() => storage.stop());

  itBehavesLikeAnObjectStore(async () => createSignedS3Store(...signedBucket(storage.endpoint, storage.modelsBucket)));
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

describe('deferred store', () => {
  let root: string;
  const open = async () => createDirectoryStore(root);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'deferred-store-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  itBehavesLikeAnObjectStore(async () => createDeferredStore(root, open));

  it('is not opened before it is used', () => {
    const refuse = () => Promise.reject(new Error('opened'));

    expect(createDeferredStore('s3://bucket', refuse).location).toBe('s3://bucket');
  });

  it('gives the URLs of its store, and refuses where that has none', async () => {
    const withUrls = async () => ({ ...(await open()), presign: async (key: string) => `https://bucket/${key}` });

    expect(await createDeferredStore(root, withUrls).presign('a', 60)).toBe('https://bucket/a');
    await expect(createDeferredStore(root, open).presign('a', 60)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('directory store', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'directory-store-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  itBehavesLikeAnObjectStore(async () => createDirectoryStore(root));
  itTakesUploads(async () => createDirectoryStore(root));

  it('refuses a key that leaves the directory', async () => {
    await expect(createDirectoryStore(root).write('../outside', 'x')).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
  });
});
