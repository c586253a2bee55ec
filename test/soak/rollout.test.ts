import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { REVALIDATION_MS } from '../../src/serving/routing-cache.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { type Fault, type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 600);
const SWAP_EVERY_MS = 5_000;
const REQUESTS_PER_SECOND = 50;
const TTL_MS = 2_000;
/** How long after its time to live a change may stay unseen: a revalidation that stalls is given up after 4 s, and tried again. */
const GRACE_MS = 12_000;
const FAULT_RATE = 0.1;
/** Refusals that say that the caller is wrong are none of a store that is away. */
const FAULTS: readonly Fault[] = [
  ...(['500 InternalError', '503 SlowDown', 'reset', 'early end', 'short body', 'wrong bytes'] as const),
  ...(['silence before headers', 'stall after headers', 'stall in the middle', 'dribble'] as const),
];
const VERSIONS = 6;

/** A routing that stood from a moment on. */
interface Change {
  readonly atMs: number;
  readonly stable: number;
}

interface Answer {
  readonly atMs: number;
  readonly status: number;
  readonly version: number;
}

let storage: EmbeddedStorage;
let proxy: FaultyProxy;
let repository: ModelRepository<UploadingStore>;
let serving: TestServing;

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  proxy = await startFaultyProxy(storage.endpoint);
  repository = createModelRepository(createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket));
  for (let version = 1; version <= VERSIONS; version += 1)
    await publishModel(repository, 'm', 'test/fixtures/models/add.onnx');
  const models = createS3UploadStore(createTestS3Client(proxy.endpoint), storage.modelsBucket);
  serving = await createTestServing(
    { models },
    {
      ...{ routingTtlMs: TTL_MS, revalidationMs: REVALIDATION_MS, nowMs: Date.now },
    },
  );
});
afterAll(async () => {
  proxy.stop();
  await storage.stop();
  await serving.remove();
});

const promote = async (stable: number): Promise<Change> => {
  await changeRouting(repository, 'm', { by: 'the soak test', action: 'promote' }, () => ({ stable, aliases: {} }));
  return { atMs: Date.now(), stable };
};

const row = (name: string) => ({ name, shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] });
const BODY = JSON.stringify({ inputs: [row('a'), row('b')] });

const ask = async (): Promise<Answer> => {
  const atMs = Date.now();
  const response = await serving.fetch('/v2/models/m/infer', { method: 'POST', body: BODY });
  await response.text();
  return { atMs, status: response.status, version: Number(response.headers.get('x-model-version')) };
};

/** Versions that a request at `atMs` may be answered by: those that stood within the time in which a change may stay unseen. */
const routedAt = (changes: readonly Change[], atMs: number): Set<number> => {
  const allowed = new Set<number>();
  changes.forEach(({ atMs: sinceMs, stable }, index) => {
    const untilMs = changes[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    // A change is visible to a request that comes while it is being written.
    if (sinceMs - 100 <= atMs && untilMs > atMs - TTL_MS - GRACE_MS) allowed.add(stable);
  });
  return allowed;
};

describe(`${SECONDS} s of requests, while versions are promoted and rolled back, and S3 fails ${FAULT_RATE * 100} % of calls`, () => {
  it(
    'fail none, and name the version that was routed',
    async () => {
      const changes = [await promote(1)];
      const answers = [await ask()];
      proxy.faultRate = FAULT_RATE;
      proxy.soakFaults = FAULTS;
      const endMs = Date.now() + SECONDS * 1000;

      const swapping = (async () => {
        // 1 → 2 → 1 → 3 → 2 → 4 → …: forward two, back one.
        for (let step = 0; Date.now() < endMs - SWAP_EVERY_MS; step += 1) {
          await sleep(SWAP_EVERY_MS);
          const position = Math.floor(step / 2) + (step % 2 === 0 ? 2 : 1);
          changes.push(await promote(((position - 1) % VERSIONS) + 1));
        }
      })();
      const pending: Promise<void>[] = [];
      while (Date.now() < endMs) {
        pending.push(ask().then((answer) => void answers.push(answer)));
        await sleep(1000 / REQUESTS_PER_SECOND);
      }
      await Promise.all([swapping, ...pending]);

      const failed = answers.filter(({ status }) => status !== 200);
      const misrouted = answers.filter(({ atMs, version }) => !routedAt(changes, atMs).has(version));
      const swaps = answers.filter(({ version }, index) => index > 0 && version !== answers[index - 1]?.version).length;
      const loads = serving.loads.length;
      process.stdout.write(
        `${answers.length} answers, ${failed.length} failed, ${misrouted.length} by another version than routed; ${changes.length} changes, ${swaps} swaps seen, ${loads} loads, ${proxy.faults} faults of S3\n`,
      );
      expect(failed).toEqual([]);
      expect(misrouted).toEqual([]);
      expect(proxy.faults).toBeGreaterThan(0);
      expect(swaps).toBeGreaterThanOrEqual(SECONDS >= 600 ? 100 : 10);
    },
    (SECONDS + 60) * 1000,
  );
});
