import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadlineAt } from '../src/core/deadline.ts';
import type { ServingError } from '../src/core/errors.ts';
import { createModelCache } from '../src/engine/model-cache.ts';
import { createApplication } from '../src/http/application.ts';
import { createDirectoryStore } from '../src/repository/directory-store.ts';
import { createModelRepository, type ModelRepository } from '../src/repository/model-repository.ts';
import type { UploadingStore } from '../src/repository/object-store.ts';
import { createRouter } from '../src/serving/router.ts';
import type { Send } from './send.ts';

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** The deployed application in this process, over a directory. */
export interface DirectoryServing {
  readonly repository: ModelRepository<UploadingStore>;
  readonly data: UploadingStore;
  readonly send: Send;
  /** Removes what it needed on disk. */
  close(): void;
}

export const serveDirectory = (models: UploadingStore): DirectoryServing => {
  const scratch = join(tmpdir(), `onnx-serverless-${randomUUID()}`);
  const close = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', close); // Ctrl-C
  const repository = createModelRepository(models);
  const data = createDirectoryStore(join(scratch, 'data'));
  let failures: readonly ServingError[] = [];
  const application = createApplication({
    repository,
    router: createRouter(repository),
    models: createModelCache(models, { directory: join(scratch, 'models'), memoryMb: MEMORY_MB, onLoaded: () => {} }),
    data,
    telemetry: {
      observed: (observation) => {
        failures = observation.failures;
      },
      loaded: () => {},
      warned: () => {},
    },
  });
  return {
    repository,
    data,
    send: async (path, init) => {
      const request = new Request(new URL(path, 'http://localhost'), init);
      const deadline = deadlineAt(Number.POSITIVE_INFINITY);
      const response = await application.fetch(request, { requestId: randomUUID(), deadline });
      // The answer hides what is nobody's business but the operator's; here the caller is the operator.
      for (const failure of failures) throw failure;
      return response;
    },
    close: () => {
      process.off('exit', close);
      close();
    },
  };
};
