import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { changeRouting } from '../../../src/repository/routing/change-routing.ts';
import { promote } from '../../../src/repository/routing/rollout.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import { deleteModel } from '../../../src/repository/versions/delete-versions.ts';
import { publish } from '../../../src/repository/versions/publish.ts';
import { draftOf, localFile } from '../../support/draft.ts';
import { createFailingStore } from '../../support/failing-store.ts';

let root: string;
let store: UploadingStore;

const push = async (): Promise<void> => {
  const files = [await localFile(root, 'model.onnx', 'a model')];
  await publish(createModelRepository(store), draftOf('m', 'model.onnx'), files, { by: 'somebody' });
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lost-answers-'));
  store = createDirectoryStore(join(root, 'store'));
  await push();
  await push();
});
afterEach(() => rm(root, { recursive: true }));

const promoteIn = (failing: UploadingStore) =>
  changeRouting(createModelRepository(failing), 'm', { by: 'me', action: 'promote' }, promote(2));

describe('a promotion', () => {
  it('whose answer was lost is reported as made', async () => {
    const change = await promoteIn(createFailingStore(store, 1, 'after'));

    expect(change).toMatchObject({ action: 'promote', from: { stable: 1 }, to: { stable: 2 } });
    expect((await createModelRepository(store).routing('m')).routing.history).toHaveLength(2);
  });

  it('that meets its own write when the client tries again is reported as made, and made once', async () => {
    const twice: UploadingStore = {
      ...store,
      write: async (...parameters) => {
        await store.write(...parameters);
        return store.write(...parameters); // the condition no longer holds
      },
    };

    expect(await promoteIn(twice)).toMatchObject({ from: { stable: 1 }, to: { stable: 2 } });
    expect((await createModelRepository(store).routing('m')).routing.history).toHaveLength(2);
  });

  it('that the store did not make is reported as not made', async () => {
    await expect(promoteIn(createFailingStore(store, 1, 'before'))).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      operator: 'the routing has not changed; npx onnx-serverless history m shows its changes',
    });
  });

  it('of which nobody knows says so', async () => {
    const silent = createFailingStore(store, 1, 'after');
    let writes = 0;
    const failing: UploadingStore = {
      ...silent,
      write: (...parameters) => {
        writes += 1;
        return silent.write(...parameters);
      },
      read: async (...parameters) => {
        if (writes > 0) throw new ServingError('MODEL_UNAVAILABLE', 'gone');
        return silent.read(...parameters);
      },
    };

    await expect(promoteIn(failing)).rejects.toMatchObject({
      operator: expect.stringContaining('the routing may have changed or not'),
    });
  });
});

describe('the deletion of a model', () => {
  it.each([1, 2, 3, 4])('that ends after change %i is finished by the next one', async (failing) => {
    const interrupted = createModelRepository(createFailingStore(store, failing, 'after'));
    await expect(deleteModel(interrupted, 'm')).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });

    await deleteModel(createModelRepository(store), 'm');

    const left: string[] = [];
    for await (const { key } of store.list('')) left.push(key);
    expect(left.sort()).toEqual(['models/m/1/claim', 'models/m/2/claim']);
    await expect(deleteModel(createModelRepository(store), 'm')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
