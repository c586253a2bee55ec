import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { MethodName } from '../../src/optimise/methods.ts';
import { optimiseModel } from '../../src/optimise/optimise-model.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { promote } from '../../src/repository/routing/rollout.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { startEmbeddedStorage } from './embedded-storage.ts';
import { createTestS3Client } from './s3.ts';
import { createTestServing } from './serving.ts';
import { pushModel } from './tried-models.ts';

/** Models of S3 that are optimised, and answer. */
export interface Optimising {
  readonly repository: ModelRepository<UploadingStore>;
  /** A folder for files of the test. */
  readonly root: string;
  /** Writes samples. Returns their file. */
  jsonLines(name: string, lines: readonly unknown[]): Promise<string>;
  /** Pushes a folder, and optimises the version. Returns the result, which is version 2. */
  optimise(path: string, name: string, data: string, method: MethodName): Promise<PublishedBundle>;
  /** Promotes version 2. Returns the answers of both versions to one request, each from a function that starts. */
  askBoth(name: string, path: string, body: string): Promise<readonly [unknown, unknown]>;
  close(): Promise<void>;
}

export const openOptimising = async (): Promise<Optimising> => {
  const root = await mkdtemp(join(tmpdir(), 'optimising-'));
  const storage = await startEmbeddedStorage();
  const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  const repository = createModelRepository(store);

  const ask = async (path: string, body: string) => {
    const serving = await createTestServing({ models: store });
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await serving.fetch(path, { method: 'POST', headers, body });
      expect(response.status).toBe(200);
      return { version: response.headers.get('x-model-version'), json: await response.json() };
    } finally {
      await serving.remove();
    }
  };

  return {
    repository,
    root,
    async jsonLines(name, lines) {
      const file = join(root, `${name}.jsonl`);
      await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
      return file;
    },
    async optimise(path, name, data, method) {
      await pushModel(repository, path, { name });
      const { report, version } = await optimiseModel(repository, await repository.bundle(name, 1), {
        ...{ data, methods: [method], maxLoss: 1, dryRun: false, onStep: () => {} },
      });
      expect(report.attempts).toMatchObject([{ method, outcome: 'passes' }]);
      expect(version).toBe(2);
      return repository.bundle(name, 2);
    },
    async askBoth(name, path, body) {
      const first = await ask(path, body);
      await changeRouting(repository, name, { by: 'a test', action: 'promote' }, promote(2));
      const second = await ask(path, body);
      expect([first.version, second.version]).toEqual(['1', '2']);
      return [first.json, second.json];
    },
    async close() {
      await storage.stop();
      await rm(root, { recursive: true });
    },
  };
};

export const pathsOf = ({ files }: PublishedBundle): string[] => files.map(({ path }) => path);
