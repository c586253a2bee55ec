import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openModelFiles } from '../../../src/engine/model-files.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import { publish } from '../../../src/repository/versions/publish.ts';
import { draftOf, localFile } from '../../support/draft.ts';

let root: string;
let directory: string;
let store: UploadingStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'left-behind-'));
  directory = join(root, 'models');
  await mkdir(directory);
  store = createDirectoryStore(join(root, 'store'));
});
afterEach(() => rm(root, { recursive: true }));

const open = () => openModelFiles(store, { directory, budgetBytes: 1_000_000 });

describe('a folder for the files of models', () => {
  it('in which a link that leads nowhere has the name of a version receives the version', async () => {
    const files = [await localFile(root, 'model.onnx', 'a model')];
    await publish(createModelRepository(store), draftOf('m', 'model.onnx'), files, { by: 'somebody' });
    const bundle = await createModelRepository(store).bundle('m', 1);
    await symlink(join(root, 'nowhere'), join(directory, bundle.digest));

    const text = await (await open()).use(bundle, ({ path }) => readFile(join(path, 'model.onnx'), 'utf8'));

    expect(text).toBe('a model');
  });

  it('has a note of a process that another process removes: the journal is opened all the same', async () => {
    await symlink(join(root, 'nowhere'), join(directory, 'a.ended-loading'));

    await expect(open()).resolves.toBeDefined();
  });

  it('from which another process removes a version meanwhile can be opened', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `version-${index}`);
    for (let round = 0; round < 20; round += 1) {
      for (const name of names) await mkdir(join(directory, name, 'onnx'), { recursive: true });
      const opening = open();
      for (const name of names) await rename(join(directory, name), join(root, `${name}-${round}`));

      await expect(opening).resolves.toBeDefined();
    }
  });
});
