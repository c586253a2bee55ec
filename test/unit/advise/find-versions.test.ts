import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findVersions } from '../../../src/advise/find-versions.ts';
import { createModelRepository, type ModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import { publish } from '../../../src/repository/versions/publish.ts';
import { draftOf, localFile } from '../../support/draft.ts';

let root: string;
let repository: ModelRepository<UploadingStore>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'find-versions-'));
  repository = createModelRepository(createDirectoryStore(join(root, 'store')));
});
afterEach(() => rm(root, { recursive: true }));

/** Publishes the next version of `m`, with a file `optimisation.json` if there is one. */
const push = async (report?: string): Promise<void> => {
  const files = [await localFile(root, 'model.onnx', 'a model')];
  if (report !== undefined) files.push(await localFile(root, 'optimisation.json', report));
  await publish(repository, draftOf('m', 'model.onnx'), files, { by: 'a test' });
};
const reportOf = (name: string, version: number) => JSON.stringify({ from: { name, version }, method: 'int8-dynamic' });
const find = async (version: number) =>
  (await findVersions(repository, 'm', version)).map(({ bundle, description }) => [bundle.version, description]);

describe('the versions to measure', () => {
  it('are the original and the latest that was made of it, from either', async () => {
    await push();
    await push(reportOf('m', 1));
    await push(reportOf('m', 1));
    const pair = (later: number) => [
      [1, 'original'],
      [later, 'int8-dynamic of version 1'],
    ];
    expect(await find(1)).toEqual(pair(3));
    expect(await find(2)).toEqual(pair(2));
  });

  it.each([
    ['of another model', reportOf('another', 1)],
    ['of itself', reportOf('m', 2)],
    ['that is no JSON', 'optimised by hand'],
    ['that is no report', '[1]'],
    ['of too many bytes', reportOf('m', 1) + ' '.repeat(17 * 1024 ** 2)],
  ])('are one for a report %s', async (_name, report) => {
    await push();
    await push(report);
    expect(await find(2)).toEqual([[2, 'original']]);
    expect(await find(1)).toEqual([[1, 'original']]);
  });
});
