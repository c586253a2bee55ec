import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Capture } from '../../src/capture/capture.ts';
import { LAMBDA_MB_PER_VCPU } from '../../src/core/aws-limits.ts';
import { deadlineAt } from '../../src/core/deadline.ts';
import type { ServingError } from '../../src/core/errors.ts';
import { makeScratch, toScratchFailure } from '../../src/core/scratch.ts';
import { createApplication } from '../../src/http/application.ts';
import { toFetch } from '../../src/http/fetch.ts';
import type { ModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { ordinaryBackground } from '../../src/serving/background.ts';
import { createServing } from '../../src/serving/create-serving.ts';
import type { Telemetry } from '../../src/serving/telemetry.ts';
import type { Send } from './send.ts';

const SCRATCH = 'onnx-serverless';

/** The deployed application in this process, over a directory. */
export interface DirectoryServing {
  readonly repository: ModelRepository<UploadingStore>;
  readonly data: UploadingStore;
  readonly send: Send;
  /** Removes its files once no model is being loaded any more. */
  close(): Promise<void>;
}

/** Tells of the failures of each request, and of nothing else. */
const noticing = (onObserved: (failures: readonly ServingError[]) => void): Telemetry => ({
  observed: ({ failures }) => onObserved(failures),
  loaded: () => {},
  evicted: () => {},
  shadowed: () => {},
  refused: () => {},
  captureLost: () => {},
  warned: () => {},
});

/** @param capture takes what would be captured of the predictions; without it, the settings of the model decide */
export const serveDirectory = (models: UploadingStore, capture?: Capture): DirectoryServing => {
  const scratch = makeScratch(SCRATCH);
  const remove = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', remove); // Ctrl-C
  const data = createDirectoryStore(join(scratch, 'data'));
  const loads: Promise<unknown>[] = [];
  let failures: readonly ServingError[] = [];
  const serving = createServing({
    models,
    data,
    directory: join(scratch, 'models'),
    memoryMb: LAMBDA_MB_PER_VCPU,
    memoryBudgetBytes: Number.POSITIVE_INFINITY,
    diskBudgetBytes: Number.POSITIVE_INFINITY,
    routingTtlMs: Number.POSITIVE_INFINITY,
    background: ordinaryBackground,
    telemetry: noticing((observed) => {
      failures = observed;
    }),
  });
  const { repository, models: cache } = serving;
  const fetchApplication = toFetch(
    createApplication({
      ...serving,
      ...(capture && { capture }),
      models: {
        ...cache,
        acquire: (...call) => {
          const loading = cache.acquire(...call);
          loads.push(loading);
          return loading;
        },
      },
    }),
  );
  return {
    repository,
    data,
    send: async (path, init) => {
      const request = new Request(new URL(path, 'http://localhost'), init);
      const deadline = deadlineAt(Number.POSITIVE_INFINITY);
      const response = await fetchApplication(request, { requestId: randomUUID(), deadline });
      // An answer hides failures of the server from callers; here the caller is the operator.
      for (const failure of failures) throw toScratchFailure(SCRATCH, failure);
      return response;
    },
    close: async () => {
      await Promise.allSettled(loads); // a request that is refused does not wait for its model
      process.off('exit', remove);
      remove();
    },
  };
};
