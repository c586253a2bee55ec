import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { bundleKey, claimKey, fileKey, routingKey, versionPrefix } from '../../src/repository/keys.ts';
import { createModelRepository, type ModelRepository, unlessMissing } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { promote, setAlias, setCanary } from '../../src/repository/routing/rollout.ts';
import { routedVersions } from '../../src/repository/routing/routing.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { ListedObject, UploadingStore } from '../../src/repository/stores/object-store.ts';
import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { deleteModel, deleteVersions, superfluousVersions } from '../../src/repository/versions/delete-versions.ts';
import { type LocalFile, type PublishOptions, publish } from '../../src/repository/versions/publish.ts';
import { readVerified, routingProblems } from '../../src/repository/versions/verify.ts';
import { draftOf, localFile } from '../support/draft.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createFailingStore } from '../support/failing-store.ts';
import { createTestS3Client } from '../support/s3.ts';

const by = 'somebody';
let root: string;
let storage: EmbeddedStorage;
let files: LocalFile[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollout-'));
  storage = await startEmbeddedStorage();
  files = [await localFile(root, 'onnx/model.onnx', 'a model'), await localFile(root, 'config.json', '{}')];
});
afterAll(async () => {
  await storage.stop();
  await rm(root, { recursive: true });
});

const STORES: readonly (readonly [string, () => UploadingStore])[] = [
  ['a directory', () => createDirectoryStore(join(root, 'store'))],
  [
    'S3',
    () =>
      createS3UploadStore(
        createTestS3Client(storage.endpoint, COMMAND_PATIENCE),
        storage.modelsBucket,
        COMMAND_PATIENCE,
      ),
  ],
];

/** A model of its own for each test. */
let name: string;
let models = 0;
beforeEach(() => {
  models += 1;
  name = `model-${models}`;
});

const push = (repository: ModelRepository<UploadingStore>, options: Partial<PublishOptions> = {}) =>
  publish(repository, draftOf(name), files, { by, ...options });

const promoteTo = (repository: ModelRepository, version: number) =>
  changeRouting(repository, name, { by, action: 'promote' }, promote(version));

const keysBelow = async ({ store }: ModelRepository, prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key.slice(prefix.length));
  return keys.sort();
};

/** A listing comes in no particular order. */
const listingBackwards = (store: UploadingStore): UploadingStore => ({
  ...store,
  async *list(prefix) {
    const objects: ListedObject[] = [];
    for await (const object of store.list(prefix)) objects.push(object);
    yield* objects.sort((a, b) => (a.key < b.key ? 1 : -1));
  },
});

/** What every reader relies on: each version that is listed or routed to is there, whole. */
const assertConsistent = async (repository: ModelRepository): Promise<void> => {
  for (const version of await repository.versions(name)) {
    const bundle = await repository.bundle(name, version);
    for (const file of bundle.files) for await (const _chunk of readVerified(repository, bundle, file));
  }
  if ((await keysBelow(repository, routingKey(name))).length > 0)
    expect(await routingProblems(repository, name)).toEqual([]);
};

const inSequence = async (count: number, run: () => Promise<unknown>): Promise<void> => {
  for (let index = 0; index < count; index += 1) await run();
};

describe.each(STORES)('with %s', (_store, createStore) => {
  let store: UploadingStore;
  let repository: ModelRepository<UploadingStore>;

  beforeAll(() => {
    store = createStore();
    repository = createModelRepository(store);
  });

  it('20 pushes at once give 20 versions, and one of them answers', async () => {
    const versions = await Promise.all(Array.from({ length: 20 }, () => push(repository)));

    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await repository.versions(name)).toEqual(versions);
    await assertConsistent(repository);
    const { stable, history } = (await repository.routing(name)).routing;
    expect(versions).toContain(stable);
    expect(history).toMatchObject([{ action: 'push', from: null, to: { stable } }]);
  });

  it('of promotes at once each is in the history, after the one before', async () => {
    await inSequence(6, () => push(repository));

    await Promise.all([2, 3, 4, 5, 6].map((version) => promoteTo(repository, version)));

    const { history, stable } = (await repository.routing(name)).routing;
    expect(history.map(({ to }) => to.stable).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(history.slice(1).map(({ from }) => from?.stable)).toEqual(history.slice(0, -1).map(({ to }) => to.stable));
    expect(history.at(-1)?.to.stable).toBe(stable);
  });

  it('of a promote and a delete of the same version at once, one is refused', async () => {
    const outcomes: string[] = [];
    await push(repository);
    for (let version = 2; version < 8; version += 1) {
      await push(repository);
      const settled = await Promise.allSettled([
        promoteTo(repository, version),
        deleteVersions(repository, name, [version], { by }),
      ]);
      outcomes.push(settled.map(({ status }) => status).join());
      await assertConsistent(repository);
    }
    expect(['fulfilled,rejected', 'rejected,fulfilled']).toEqual(expect.arrayContaining(outcomes));
  });

  it('a push whose model is deleted meanwhile leaves no route to a version that is gone', async () => {
    await inSequence(2, () => push(repository));
    let pushed = false;
    const racing: UploadingStore = {
      ...store,
      remove: async (key) => {
        await store.remove(key);
        if (key !== routingKey(name) || pushed) return;
        pushed = true; // its bundle was there before, and its routing comes now
        await changeRouting(repository, name, { by, action: 'push' }, () => ({ stable: 2, aliases: {} }));
      },
    };

    expect(await deleteModel(createModelRepository(racing), name)).toEqual([1, 2]);

    expect(pushed).toBe(true);
    await expect(repository.routing(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await push(repository)).toBe(3);
    expect((await repository.routing(name)).routing.stable).toBe(3);
  });

  describe.each(['before', 'after'] as const)('a process that dies %s a change', (when) => {
    it('while it pushes leaves the old state or the new one, and the next push succeeds', async () => {
      await push(repository);
      for (let failing = 1, died = true; died; failing += 1) {
        const before = await repository.versions(name);
        const dying = createFailingStore(store, failing, when);
        died = await push(createModelRepository(dying), { sign: () => 'a signature' }).then(
          () => false,
          () => true,
        );
        expect(died).toBe(failing <= dying.changes());
        await assertConsistent(repository);
        expect((await repository.versions(name)).slice(0, before.length)).toEqual(before);
        const next = await push(repository);
        expect((await repository.versions(name)).at(-1)).toBe(next);
        expect((await repository.routing(name)).routing.stable).toBe(1);
      }
    });

    it('while it pushes the first version leaves a model that the next push completes', async () => {
      const model = name;
      for (let failing = 1, died = true; died; failing += 1) {
        name = `${model}-${failing}`;
        const dying = createFailingStore(store, failing, when);
        died = await push(createModelRepository(dying)).then(
          () => false,
          () => true,
        );
        await assertConsistent(repository);
        await push(repository);
        await assertConsistent(repository);
        expect([1, 2]).toContain((await repository.routing(name)).routing.stable);
      }
    });

    it('while it pushes leaves what --resume completes, without another version', async () => {
      const model = name;
      for (let failing = 2, died = true; died; failing += 1) {
        name = `${model}-${failing}`;
        await push(repository);
        const dying = createFailingStore(store, failing, when);
        died = await push(createModelRepository(dying)).then(
          () => false,
          () => true,
        );
        const wasPublished = (await repository.versions(name)).includes(2);
        const resumed = await push(repository, { resume: true });
        expect(resumed).toBe(wasPublished ? 3 : 2);
        await assertConsistent(repository);
      }
    });

    it('while it promotes leaves the old state or the new one, and the next promote succeeds', async () => {
      await inSequence(2, () => push(repository));

      const promoted = promoteTo(createModelRepository(createFailingStore(store, 1, when)), 2);
      if (when === 'before') await expect(promoted).rejects.toThrow('died');
      else await expect(promoted).resolves.toMatchObject({ to: { stable: 2 } });

      await assertConsistent(repository);
      expect((await repository.routing(name)).routing.stable).toBe(when === 'before' ? 1 : 2);
      await promoteTo(repository, 2);
      expect((await repository.routing(name)).routing.stable).toBe(2);
    });

    it('while it deletes leaves no version without its files, and the next deletion ends it', async () => {
      await push(repository);
      for (let failing = 1, died = true; died; failing += 1) {
        const version = await push(repository);
        const dying = createModelRepository(createFailingStore(listingBackwards(store), failing, when));
        died = await deleteVersions(dying, name, [version], { by }).then(
          () => false,
          () => true,
        );
        await assertConsistent(repository);
        if ((await repository.routing(name)).routing.deleted.includes(version))
          await expect(promoteTo(repository, version)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await deleteVersions(repository, name, [version], { by });
        expect(await keysBelow(repository, versionPrefix(name, version))).toEqual(['claim']);
      }
      expect(await repository.versions(name)).toEqual([1]);
    });
  });

  it('a push that is resumed sends only what is missing', async () => {
    await expect(push(createModelRepository(createFailingStore(store, 3, 'before')))).rejects.toThrow('died');
    const sent: string[] = [];
    const watched = {
      ...store,
      upload: async (...[key, ...rest]: Parameters<UploadingStore['upload']>) => {
        sent.push(key);
        await store.upload(key, ...rest);
      },
    };

    expect(await push(createModelRepository(watched), { resume: true })).toBe(1);

    expect(sent).toEqual([fileKey(name, 1, 'config.json')]);
  });

  it('a push of other files is not resumed', async () => {
    await expect(push(createModelRepository(createFailingStore(store, 3, 'before')))).rejects.toThrow('died');
    const others = [files[0] as LocalFile, await localFile(root, 'config.json', '{"other": 1}')];

    expect(await publish(repository, draftOf(name), others, { by, resume: true })).toBe(2);
  });

  it('of a push and its resumption one gives up, and there is one version', async () => {
    let resume: () => void = () => {};
    const stalled = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const slow = {
      ...store,
      upload: async (...parameters: Parameters<UploadingStore['upload']>) => {
        await stalled;
        await store.upload(...parameters);
      },
    };
    const original = push(createModelRepository(slow));
    original.catch(() => {});
    while (!(await unlessMissing(store.head(claimKey(name, 1))))) await new Promise((wake) => setTimeout(wake, 5));

    expect(await push(repository, { resume: true, by: 'another' })).toBe(1);
    resume();

    await expect(original).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('resumed by another'),
    });
    expect(await repository.versions(name)).toEqual([1]);
    await assertConsistent(repository);
  });

  it('lists and collects a thousand versions', async () => {
    const bundle = JSON.stringify({ ...draftOf(name), formatVersion: 1, version: 1, files: [], graphs: {} });
    const write = async (start: number): Promise<void> => {
      for (let version = start; version <= 1050; version += 20) await store.write(bundleKey(name, version), bundle);
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => write(index + 1)));
    await changeRouting(repository, name, { by, action: 'test' }, () => ({ stable: 7, aliases: { old: 9 } }));

    expect(await repository.versions(name)).toEqual(Array.from({ length: 1050 }, (_, index) => index + 1));
    const { routing } = await repository.routing(name);
    const superfluous = await superfluousVersions(repository, name, routing, 10);
    expect(superfluous).toHaveLength(1050 - 10 - 2);
    expect(superfluous.at(-1)).toBe(1040);
    expect(await push(repository)).toBe(1051);
  });
});

describe('a version that is routed to', () => {
  it('cannot be deleted, whatever routes to it', async () => {
    const repository = createModelRepository(STORES[0]?.[1]() as UploadingStore);
    await inSequence(5, () => push(repository));
    const change = (how: Parameters<typeof changeRouting>[3]) =>
      changeRouting(repository, name, { by, action: 'x' }, how);
    await change(setCanary({ version: 2, weight: 0 }));
    await change(setAlias('best', 3));
    await change((current) => current && { ...current, shadow: { version: 4, rate: 0 } });

    for (const [version, reason] of [
      [1, 'is stable'],
      [2, 'is canary'],
      [3, 'is alias best'],
      [4, 'is shadow'],
    ] as const)
      await expect(deleteVersions(repository, name, [5, version], { by })).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining(reason),
      });
    expect(await repository.versions(name)).toEqual([1, 2, 3, 4, 5]);
    expect(routedVersions((await repository.routing(name)).routing)).toEqual(new Set([1, 2, 3, 4]));
  });
});

describe('with clocks that differ', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;
  let repository: ModelRepository<UploadingStore>;

  /** Leaves an unfinished push behind: its claim says `at`, the store that it was written `ageMs` ago. */
  const leaveUnfinished = async (at: string, ageMs: number): Promise<void> => {
    const { store } = repository;
    await expect(push(createModelRepository(createFailingStore(store, 3, 'before')))).rejects.toThrow('died');
    const { body } = await store.read(claimKey(name, 1));
    await store.write(claimKey(name, 1), JSON.stringify({ ...JSON.parse(Buffer.from(body).toString()), at }));
    const written = new Date(Date.now() - ageMs);
    await utimes(join(root, 'store', claimKey(name, 1)), written, written);
  };

  beforeAll(() => {
    repository = createModelRepository(createDirectoryStore(join(root, 'store')));
  });

  it.each(['1970-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z', 'whenever'])(
    'a push that may still run is left alone, whatever time it believes in: %s',
    async (at) => {
      await leaveUnfinished(at, DAY_MS - 60_000);

      expect(await push(repository)).toBe(2);

      expect(await keysBelow(repository, versionPrefix(name, 1))).toEqual(['claim', 'files/onnx/model.onnx']);
      expect(await push(repository, { resume: true })).toBe(1);
    },
  );

  it.each(['1970-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z', 'whenever'])(
    'the files of one that ended long ago are removed, whatever time it believed in: %s',
    async (at) => {
      await leaveUnfinished(at, DAY_MS + 60_000);

      expect(await push(repository)).toBe(2);

      expect(await keysBelow(repository, versionPrefix(name, 1))).toEqual(['claim']);
      expect(await push(repository, { resume: true })).toBe(3);
    },
  );

  it('one that was given up and runs nevertheless ends, and leaves no version', async () => {
    let later = async (): Promise<void> => {};
    const { store } = repository;
    const slow = {
      ...store,
      upload: async (...parameters: Parameters<UploadingStore['upload']>) => {
        await store.upload(...parameters);
        await later();
        later = async () => {};
      },
    };
    later = async () => {
      const written = new Date(Date.now() - DAY_MS - 60_000);
      await utimes(join(root, 'store', claimKey(name, 1)), written, written);
      expect(await push(repository)).toBe(2);
    };

    await expect(push(createModelRepository(slow))).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('given up'),
    });
    expect(await repository.versions(name)).toEqual([2]);
    await push(repository);
    expect(await keysBelow(repository, versionPrefix(name, 1))).toEqual(['claim']);
  });
});

describe('documents that are damaged', () => {
  let repository: ModelRepository<UploadingStore>;

  beforeAll(() => {
    repository = createModelRepository(createDirectoryStore(join(root, 'store')));
  });

  it.each([
    ['a routing', routingKey, () => repository.routing(name)],
    ['a bundle', (model: string) => bundleKey(model, 1), () => repository.bundle(name, 1)],
  ])('%s that is cut short is refused, naming it', async (_what, keyOf, read) => {
    await push(repository);
    const key = keyOf(name);
    const { body } = await repository.store.read(key);
    await repository.store.write(key, body.subarray(0, body.byteLength / 2));

    await expect(read()).rejects.toMatchObject({ code: 'MODEL_INVALID', message: expect.stringContaining(key) });
  });

  it.each(['', '{"formatVersion":1', '2026-01-01T00:00:00.000Z', '{"formatVersion":2}'])(
    'a claim that says %j keeps its number and its files',
    async (claim) => {
      await repository.store.write(claimKey(name, 1), claim);
      await repository.store.write(fileKey(name, 1, 'x'), 'x');
      const long = new Date(0);
      await utimes(join(root, 'store', claimKey(name, 1)), long, long);

      expect(await push(repository, { resume: true })).toBe(2);

      expect(await keysBelow(repository, versionPrefix(name, 1))).toEqual(['claim', 'files/x']);
    },
  );

  it('a routing that names a missing version is told, and can be mended', async () => {
    await inSequence(2, () => push(repository));
    const { routing } = await repository.routing(name);
    const broken = { ...routing, stable: 9, aliases: { best: 8 } };
    await repository.store.write(routingKey(name), JSON.stringify(broken));

    expect(await routingProblems(repository, name)).toEqual([
      'routing.json routes to version 9, which does not exist',
      'routing.json routes to version 8, which does not exist',
    ]);
    await expect(promoteTo(repository, 7)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await promoteTo(repository, 2);
    await changeRouting(repository, name, { by, action: 'alias' }, setAlias('best', undefined));
    expect(await routingProblems(repository, name)).toEqual([]);
  });
});

describe.each(STORES)('names with %s', (_store, createStore) => {
  it.each(['ABCXYZabcxyz0189._-', '0', 'a..b', 'x'.repeat(100)])('the model %s is published', async (model) => {
    const repository = createModelRepository(createStore());

    const version = await publish(repository, draftOf(model), files, { by });

    expect(await repository.versions(model)).toContain(version);
    expect(await repository.names()).toContain(model);
  });

  it.each(["!'()*", 'a b', '+&%$@=;:,?', 'é猫\u{1F600}', '{}[]<>^`|~#"', `${'x'.repeat(200)}/${'y'.repeat(200)}`])(
    'the file %s is published',
    async (path) => {
      const repository = createModelRepository(createStore());
      const file = await localFile(root, path, `content of ${path}`);

      const version = await publish(repository, draftOf(name, path), [file], { by });

      const bundle = await repository.bundle(name, version);
      expect(bundle.files).toMatchObject([{ path }]);
      await assertConsistent(repository);
    },
  );

  it.each([
    ['nothing', '', 'MODEL_INVALID'],
    ['a part too many', '../x', 'MODEL_INVALID'],
    ['a folder', 'x/', 'MODEL_INVALID'],
    ['an absolute path', '/x', 'MODEL_INVALID'],
    ['a backslash', 'a\\b', 'INVALID_REQUEST'],
    ['a line break', 'a\nb', 'INVALID_REQUEST'],
    ['a null', 'a\0b', 'INVALID_REQUEST'],
    ['more than a key may have', 'x'.repeat(851), 'INVALID_REQUEST'],
  ])('a file named with %s is refused before anything is written', async (_what, path, code) => {
    const repository = createModelRepository(createStore());
    const file = await localFile(root, path, 'content');

    await expect(publish(repository, draftOf(name, path), [file], { by })).rejects.toMatchObject({ code });

    expect(await repository.claimedVersions(name)).toEqual([]);
  });
});
