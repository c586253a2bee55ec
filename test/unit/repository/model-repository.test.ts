import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repository-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('a document that is larger than any of ours is a broken model, and no payload that is too large', async () => {
  const store = createDirectoryStore(directory);
  await store.write('models/m/1/bundle.json', new Uint8Array(16 * 1024 * 1024 + 1));

  await expect(createModelRepository(store).bundle('m', 1)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

it('a bundle that stands in the place of another version is refused', async () => {
  const store = createDirectoryStore(directory);
  const bundle = {
    ...{ formatVersion: 1, name: 'm', version: 2, task: 'tensor', files: [], graphs: {}, settings: {} },
    ...{ source: 'a test', created: '' },
  };
  await store.write('models/m/1/bundle.json', JSON.stringify(bundle));

  await expect(createModelRepository(store).bundle('m', 1)).rejects.toMatchObject({
    code: 'MODEL_INVALID',
    message: expect.stringContaining('is the bundle of m version 2'),
  });
});
