import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bundleKey, claimKey, fileKey } from '../../../../src/repository/keys.ts';
import { createModelRepository, type ModelRepository } from '../../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../../src/repository/stores/object-store.ts';
import { type Draft, type LocalFile, publish } from '../../../../src/repository/versions/publish.ts';

let root: string;
let store: UploadingStore;
let repository: ModelRepository<UploadingStore>;
let file: LocalFile;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'publish-'));
  store = createDirectoryStore(join(root, 'store'));
  repository = createModelRepository(store);
  const localPath = join(root, 'model.onnx');
  await writeFile(localPath, 'a model');
  file = { path: 'onnx/model.onnx', localPath, bytes: 7, sha256: createHash('sha256').update('a model').digest('hex') };
});
afterEach(() => rm(root, { recursive: true }));

const by = 'somebody';
const draft: Draft = {
  name: 'm',
  task: 'tensor',
  graphs: { model: { file: 'onnx/model.onnx', externalData: [], signature: { inputs: [], outputs: [] }, createMs: 1 } },
  settings: {},
  warmup: { dimensions: {}, inputs: [] },
  source: 'a test',
  created: '2026-01-01T00:00:00.000Z',
};

describe('publishing', () => {
  it('makes the next version, of which the first answers at once', async () => {
    expect(await publish(repository, draft, [file], { by })).toBe(1);
    expect(await publish(repository, draft, [file], { by })).toBe(2);

    expect(await repository.names()).toEqual(['m']);
    expect(await repository.versions('m')).toEqual([1, 2]);
    expect((await repository.routing('m')).routing).toMatchObject({
      stable: 1,
      history: [{ by, action: 'push', from: null }],
    });
    const bundle = await repository.bundle('m', 2);
    expect(bundle).toMatchObject({
      name: 'm',
      version: 2,
      files: [{ path: 'onnx/model.onnx', bytes: 7, sha256: file.sha256 }],
    });
    expect(Buffer.from((await store.read(fileKey('m', 2, 'onnx/model.onnx'))).body).toString()).toBe('a model');
  });

  it('gives every one of many at once a version of its own', async () => {
    const versions = await Promise.all(Array.from({ length: 10 }, () => publish(repository, draft, [file], { by })));

    expect(versions.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(versions).toContain((await repository.routing('m')).routing.stable);
  });

  it('leaves no version when a file cannot be read, and never uses its number again', async () => {
    await publish(repository, draft, [file], { by });

    await expect(publish(repository, draft, [{ ...file, localPath: join(root, 'missing') }], { by })).rejects.toThrow();

    expect(await repository.versions('m')).toEqual([1]);
    expect((await repository.routing('m')).routing.stable).toBe(1);
    expect(await publish(repository, draft, [file], { by })).toBe(3);
  });

  it('steps over a number that somebody claimed', async () => {
    await store.write(claimKey('m', 1), 'x');

    expect(await publish(repository, draft, [file], { by })).toBe(2);
  });

  it('reports the bytes of all files together', async () => {
    const progress: number[] = [];

    await publish(repository, draft, [file, { ...file, path: 'copy' }], {
      by,
      onProgress: (sentBytes) => progress.push(sentBytes),
    });

    expect(progress.at(-1)).toBe(14);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });
});

describe('a bundle', () => {
  const stored = async (change: (bundle: Record<string, unknown>) => unknown) => {
    await publish(repository, draft, [file], { by });
    const bundle = JSON.parse(Buffer.from((await store.read(bundleKey('m', 1))).body).toString()) as Record<
      string,
      unknown
    >;
    await store.write(bundleKey('m', 1), JSON.stringify(change(bundle)));
    return repository.bundle('m', 1);
  };

  it.each<[string, string, (bundle: Record<string, unknown>) => unknown]>([
    ['a format of the future', 'formatVersion', (bundle) => ({ ...bundle, formatVersion: 2 })],
    ['no task', 'task', ({ task: _, ...bundle }) => bundle],
    [
      'a path that leaves its directory',
      'files.0.path',
      (bundle) => ({ ...bundle, files: [{ path: '../x', bytes: 1, sha256: '0'.repeat(64) }] }),
    ],
    [
      'an absolute path',
      'files.0.path',
      (bundle) => ({ ...bundle, files: [{ path: '/x', bytes: 1, sha256: '0'.repeat(64) }] }),
    ],
    [
      'a sha256 that is none',
      'files.0.sha256',
      (bundle) => ({ ...bundle, files: [{ path: 'x', bytes: 1, sha256: 'x' }] }),
    ],
    ['a graph whose file is missing', 'not among the files', (bundle) => ({ ...bundle, files: [] })],
    ['a list', 'formatVersion', () => []],
  ])('with %s is refused, naming the field', async (_what, field, change) => {
    await expect(stored(change)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(field),
    });
  });

  it('has another digest when anything in it changes', async () => {
    await publish(repository, draft, [file], { by });
    await publish(repository, draft, [file], { by });

    expect((await repository.bundle('m', 1)).digest).not.toBe((await repository.bundle('m', 2)).digest);
  });
});
