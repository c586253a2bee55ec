/**
 * Loads models in turn, of which only some fit into memory at once, and prints the memory of the process after each load.
 * A process of its own, started with the environment of a function. Arguments: `<directory store> <cycles>`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER } from '../../src/core/deadline.ts';
import { createModelCache } from '../../src/engine/model-cache.ts';
import { createSession } from '../../src/engine/session.ts';
import { fileKey } from '../../src/repository/keys.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { warmUp } from '../../src/serving/warm-up.ts';

/** What the process prints, as JSON. */
export interface LoadAndEvictOutcome {
  readonly loads: number;
  readonly evictions: number;
  /** Resident memory after each cycle. */
  readonly rssBytes: readonly number[];
}

const [, , storeDirectory = '', cycles = '0'] = process.argv;
/** About two or three of the models. */
const MEMORY_BUDGET_BYTES = 16 * 1024 * 1024;

const store = createDirectoryStore(storeDirectory);
const repository = createModelRepository(store);
const names = await repository.names();
const bundles = await Promise.all(names.map((name) => repository.bundle(name, 1)));
const directory = await mkdtemp(join(tmpdir(), 'load-and-evict-'));
const counts = { loads: 0, evictions: 0 };
const rssBytes: number[] = [];
try {
  // The first session of a process takes some 20 MB for the runtime itself, more than these models.
  await (await createSession(join(storeDirectory, fileKey(names[0] ?? '', 1, `${names[0]}.onnx`)), 1769)).release();
  const models = createModelCache(store, {
    ...{ directory, memoryMb: 1769, warmUp },
    ...{ memoryBudgetBytes: MEMORY_BUDGET_BYTES, diskBudgetBytes: Number.POSITIVE_INFINITY },
    onLoaded: () => {
      counts.loads += 1;
    },
    onEvicted: () => {
      counts.evictions += 1;
    },
  });
  for (let cycle = 0; cycle < Number(cycles); cycle += 1) {
    const bundle = bundles[cycle % bundles.length];
    if (bundle) await models.use(bundle, NEVER, async () => {});
    rssBytes.push(process.memoryUsage.rss());
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify({ ...counts, rssBytes } satisfies LoadAndEvictOutcome));
