import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ObjectStore, UploadingStore } from '../../src/repository/stores/object-store.ts';

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};

const text = async (chunks: AsyncIterable<Uint8Array>): Promise<string> =>
  Buffer.concat(await collect(chunks)).toString();

/** The contract of every store. `create` gives an empty one. */
export const itBehavesLikeAnObjectStore = (create: () => Promise<ObjectStore>): void => {
  let store: ObjectStore;
  const keys = async (prefix: string) => (await collect(store.list(prefix))).map(({ key }) => key).sort();

  beforeAll(async () => {
    store = await create();
  });

  describe('reading and writing', () => {
    it('reads an object that was written, with the etag of the write', async () => {
      const etag = await store.write('plain/a.json', '{"a":1}');

      const object = await store.read('plain/a.json');

      expect(Buffer.from(object.body).toString()).toBe('{"a":1}');
      expect(object).toMatchObject({ key: 'plain/a.json', etag, sizeBytes: 7 });
      expect(await store.head('plain/a.json')).toEqual({ key: 'plain/a.json', etag, sizeBytes: 7, metadata: {} });
    });

    it('refuses to read a missing object, and names its place to the operator alone', async () => {
      const error = await store.read('plain/missing').catch((reason: unknown) => reason);

      expect(error).toMatchObject({
        message: 'plain/missing does not exist',
        operator: `it was looked for in ${store.location}`,
      });
    });

    it('reads an empty object', async () => {
      await store.write('plain/empty', '');

      expect((await store.read('plain/empty')).body.byteLength).toBe(0);
    });

    it.each(['read', 'head'] as const)('answers NOT_FOUND to a %s of a missing key', async (method) => {
      await expect(store[method]('plain/missing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('reads again only an object that has changed', async () => {
      const etag = await store.write('plain/watched', 'one');

      expect(await store.readChanged('plain/watched', etag)).toBeUndefined();
      await store.write('plain/watched', 'two');
      const changed = await store.readChanged('plain/watched', etag);
      expect(Buffer.from(changed?.body ?? []).toString()).toBe('two');
      await expect(store.readChanged('plain/missing', etag)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('refuses to read more than the caller takes', async () => {
      await store.write('plain/large', 'x'.repeat(1001));

      await expect(store.read('plain/large', 1000)).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringContaining('1001'),
      });
      await expect(store.readChanged('plain/large', '"another"', 1000)).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
      });
    });

    it('changes the etag with the content', async () => {
      const before = await store.write('plain/changing', 'one');

      expect(await store.write('plain/changing', 'two')).not.toBe(before);
    });

    it.each(['with space', 'plus+sign', 'ünïcode-日本', "quote'&<>", 'per%20cent'])(
      'keeps the key %s',
      async (name) => {
        await store.write(`names/${name}`, name);

        expect(Buffer.from((await store.read(`names/${name}`)).body).toString()).toBe(name);
        expect(await keys('names/')).toContain(`names/${name}`);
      },
    );
  });

  describe('metadata', () => {
    it('comes back with the head of the object that it was written with', async () => {
      const metadata = { 'source-etag': '"0123"', version: '3' };
      const etag = await store.write('metadata/kept', 'x', { metadata });

      expect(await store.head('metadata/kept')).toEqual({ key: 'metadata/kept', etag, sizeBytes: 1, metadata });
    });

    it('belongs to one write: another write brings its own, or none', async () => {
      await store.write('metadata/replaced', 'x', { metadata: { version: '1' } });
      const etag = await store.write('metadata/replaced', 'x', { metadata: { version: '2' } });
      expect((await store.head('metadata/replaced')).metadata).toEqual({ version: '2' });

      await store.write('metadata/replaced', 'x', { condition: { ifMatch: etag } });
      expect((await store.head('metadata/replaced')).metadata).toEqual({});
    });

    it('stays as it was when a conditional write is refused', async () => {
      await store.write('metadata/first', 'x', { metadata: { version: '1' } });

      const second = store.write('metadata/first', 'y', {
        condition: { ifNoneMatch: '*' },
        metadata: { version: '2' },
      });

      await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
      expect((await store.head('metadata/first')).metadata).toEqual({ version: '1' });
    });

    it('is no object of its own, and goes with its object', async () => {
      await store.write('metadata/folder/a', 'x', { metadata: { version: '1' } });
      expect(await keys('metadata/folder/')).toEqual(['metadata/folder/a']);

      await store.remove('metadata/folder/a');

      expect(await collect(store.folders('metadata/'))).toEqual([]);
      await store.write('metadata/folder/a', 'x');
      expect((await store.head('metadata/folder/a')).metadata).toEqual({});
    });
  });

  describe('ranges', () => {
    it('reads the bytes from start up to end', async () => {
      const etag = await store.write('range/digits', '0123456789');

      expect(await text(store.readRange('range/digits', 2, 5, etag))).toBe('234');
      expect(await text(store.readRange('range/digits', 9, 10, etag))).toBe('9');
    });

    it('reads blocks from start up to end', async () => {
      await store.write('range/blocks', '0123456789');

      expect(await text(store.readBlocks('range/blocks', 2, 5))).toBe('234');
      await expect(text(store.readBlocks('range/absent', 0, 1))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('refuses a range of an object that was replaced', async () => {
      const etag = await store.write('range/replaced', 'one');
      await store.write('range/replaced', 'two');

      await expect(text(store.readRange('range/replaced', 0, 3, etag))).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    it('answers NOT_FOUND to a range of a missing key', async () => {
      await expect(text(store.readRange('range/missing', 0, 1, '"x"'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  describe('conditional writes', () => {
    it('creates a key that does not exist, and refuses to create it again', async () => {
      const condition = { ifNoneMatch: '*' } as const;
      await store.write('conditional/new', 'first', { condition });

      await expect(store.write('conditional/new', 'second', { condition })).rejects.toMatchObject({ code: 'CONFLICT' });

      expect(Buffer.from((await store.read('conditional/new')).body).toString()).toBe('first');
    });

    it('replaces the object with the expected etag, and no other', async () => {
      const first = await store.write('conditional/swap', 'first');
      const second = await store.write('conditional/swap', 'second', { condition: { ifMatch: first } });

      await expect(store.write('conditional/swap', 'late', { condition: { ifMatch: first } })).rejects.toMatchObject({
        code: 'CONFLICT',
      });

      expect(await store.head('conditional/swap')).toMatchObject({ etag: second });
    });

    it('answers NOT_FOUND when there is nothing to replace', async () => {
      const swap = store.write('conditional/missing', 'x', { condition: { ifMatch: '"none"' } });

      await expect(swap).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('lets one of many racing creations win', async () => {
      const racers = Array.from({ length: 20 }, (_, racer) =>
        store.write('conditional/race', String(racer), { condition: { ifNoneMatch: '*' } }).then(() => racer),
      );

      const outcomes = await Promise.allSettled(racers);

      const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(winners).toHaveLength(1);
      expect(Buffer.from((await store.read('conditional/race')).body).toString()).toBe(String(winners[0]));
    });

    it('loses no increment of racing compare-and-swaps', async () => {
      await store.write('conditional/counter', '0');
      const increment = async (): Promise<void> => {
        for (;;) {
          const { body, etag } = await store.read('conditional/counter');
          const next = String(Number(Buffer.from(body).toString()) + 1);
          try {
            await store.write('conditional/counter', next, { condition: { ifMatch: etag } });
            return;
          } catch (error) {
            expect(error).toMatchObject({ code: 'CONFLICT' });
          }
        }
      };

      await Promise.all(Array.from({ length: 10 }, increment));

      expect(Buffer.from((await store.read('conditional/counter')).body).toString()).toBe('10');
    });
  });

  describe('listing and removing', () => {
    it('tells when an object was written', async () => {
      const beforeMs = Date.now();
      await store.write('dated/a', 'x');

      const [object] = await collect(store.list('dated/'));

      expect(object?.modifiedMs).toBeGreaterThan(beforeMs - 2_000);
      expect(object?.modifiedMs).toBeLessThan(Date.now() + 2_000);
    });

    it('lists the objects below a prefix and nothing else', async () => {
      for (const key of ['list/a/1', 'list/a/2', 'list/ab', 'list-other']) await store.write(key, 'x');

      expect(await keys('list/')).toEqual(['list/a/1', 'list/a/2', 'list/ab']);
      expect(await keys('list/a')).toEqual(['list/a/1', 'list/a/2', 'list/ab']);
      expect(await keys('nothing/')).toEqual([]);
    });

    it('lists keys in the order of their bytes, from any key on', async () => {
      const ordered = ['order/a!b', 'order/a/b', 'order/a0', 'order/b', 'order/\uffee', 'order/\u{10000}'];
      for (const key of ordered.toReversed()) await store.write(key, 'x');

      const listed = async (after?: string) => (await collect(store.list('order/', after))).map(({ key }) => key);

      expect(await listed()).toEqual(ordered);
      expect(await listed('order/a0')).toEqual(ordered.slice(3));
      expect(await listed('order/a1')).toEqual(ordered.slice(3));
    });

    it('names the folders of a prefix', async () => {
      for (const key of ['folders/a/1', 'folders/a/b/2', 'folders/c/3', 'folders/file']) await store.write(key, 'x');

      expect((await collect(store.folders('folders/'))).sort()).toEqual(['a', 'c']);
      expect(await collect(store.folders('no-folders/'))).toEqual([]);
    });

    it('removes an object, once and again', async () => {
      await store.write('remove/folder/a', 'x');

      await store.remove('remove/folder/a');
      await store.remove('remove/folder/a');

      await expect(store.head('remove/folder/a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await collect(store.folders('remove/'))).toEqual([]);
    });
  });
};

/** The contract of uploads. `create` gives a store without `uploaded/`. */
export const itTakesUploads = (create: () => Promise<UploadingStore>): void => {
  let store: UploadingStore;
  beforeAll(async () => {
    store = await create();
  });

  describe('uploads', () => {
    it('stores a file and reports how far it is', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'upload-'));
      const bytes = randomBytes(300_000);
      await writeFile(join(directory, 'file'), bytes);
      const progress: number[] = [];

      await store.upload('uploaded/file', join(directory, 'file'), {
        sha256: createHash('sha256').update(bytes).digest('hex'),
        onProgress: (sentBytes) => progress.push(sentBytes),
      });

      expect(bytes.equals((await store.read('uploaded/file')).body)).toBe(true);
      expect(progress.at(-1)).toBe(300_000);
      await rm(directory, { recursive: true });
    });
  });

  describe('uploads that fail', () => {
    it('refuse a file that was changed since it was hashed, and store nothing', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'upload-'));
      await writeFile(join(directory, 'file'), 'changed');
      const sha256 = createHash('sha256').update('hashed').digest('hex');

      await expect(store.upload('uploaded/changed', join(directory, 'file'), { sha256 })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('push again'),
      });

      await expect(store.head('uploaded/changed')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await rm(directory, { recursive: true });
    });
  });
};
