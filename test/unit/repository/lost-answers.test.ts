import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServingError } from '../../../src/core/errors.ts';
import { createRun } from '../../../src/jobs/bulk/bulk-run.ts';
import { beginAttempt } from '../../../src/jobs/bulk/chunk-attempt.ts';
import { claimKey } from '../../../src/repository/keys.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { changeRouting } from '../../../src/repository/routing/change-routing.ts';
import { promote } from '../../../src/repository/routing/rollout.ts';
import { createObject } from '../../../src/repository/stores/create-object.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import { deleteModel } from '../../../src/repository/versions/delete-versions.ts';
import { publish } from '../../../src/repository/versions/publish.ts';
import { bulkRun } from '../../support/bulk.ts';
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

/** A store whose client loses the answer to each write, and tries again: a condition no longer holds. */
const twice = (healthy: UploadingStore): UploadingStore => ({
  ...healthy,
  write: async (...parameters) => {
    await healthy.write(...parameters);
    return healthy.write(...parameters);
  },
});

/** A store that refuses the first write under `key`, because somebody else is writing there at that moment: nothing is there yet. */
const alongside = (healthy: UploadingStore, key: string): UploadingStore => {
  let isRefused = false;
  return {
    ...healthy,
    write: async (...parameters) => {
      if (isRefused || parameters[0] !== key) return healthy.write(...parameters);
      isRefused = true;
      throw new ServingError('CONFLICT', `${key} is being written by someone else`);
    },
  };
};

const promoteIn = (failing: UploadingStore) =>
  changeRouting(createModelRepository(failing), 'm', { by: 'me', action: 'promote' }, promote(2));

describe('a promotion', () => {
  it('whose answer was lost is reported as made', async () => {
    const change = await promoteIn(createFailingStore(store, 1, 'after'));

    expect(change).toMatchObject({ action: 'promote', from: { stable: 1 }, to: { stable: 2 } });
    expect((await createModelRepository(store).routing('m')).routing.history).toHaveLength(2);
  });

  it('that meets its own write when the client tries again is reported as made, and made once', async () => {
    expect(await promoteIn(twice(store))).toMatchObject({ from: { stable: 1 }, to: { stable: 2 } });
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

describe('an object that is created once', () => {
  it('is known again by the client that lost the answer', async () => {
    expect(await createObject(twice(store), 'object', 'text', 'text/plain')).toBe(true);
    expect(await createObject(twice(store), 'object', 'text', 'text/plain')).toBe(false);
  });

  it('may be the claim of a push, which then takes no second number', async () => {
    const files = [await localFile(root, 'model.onnx', 'a model')];

    const version = await publish(createModelRepository(twice(store)), draftOf('m', 'model.onnx'), files, { by: 'me' });

    expect(version).toBe(3);
    expect(await createModelRepository(store).claimedVersions('m')).toEqual([1, 2, 3]);
  });

  it('may be a run over many elements, or the first attempt at a part of it', async () => {
    const run = bulkRun();
    await createRun(twice(store), run);
    await expect(createRun(store, run)).rejects.toMatchObject({ code: 'CONFLICT' });

    const place = { name: run.name, chunk: 0, child: 'child' };
    expect(await beginAttempt(twice(store), run, place)).toMatchObject({ isApart: false });
    expect(await beginAttempt(store, run, place)).toMatchObject({ isApart: true });
  });
});

describe('an object that somebody else is writing at that moment', () => {
  it('is that of the other one, although it is not there yet', async () => {
    expect(await createObject(alongside(store, 'object'), 'object', 'text', 'text/plain')).toBe(false);
  });

  it('may be the claim of a push: this one takes the next number', async () => {
    const files = [await localFile(root, 'model.onnx', 'a model')];
    const repository = createModelRepository(alongside(store, claimKey('m', 3)));

    expect(await publish(repository, draftOf('m', 'model.onnx'), files, { by: 'me' })).toBe(4);
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
