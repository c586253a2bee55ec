/**
 * Loads a model from S3, runs it, evicts it, and runs it again from its files on disk. Prints what that took of memory. A process of its own, started
 * with the environment of a function. Arguments: `<endpoint> <bucket> <model> <directory>`.
 */
import { readFile } from 'node:fs/promises';
import { blankTensors } from '../../src/core/blank.ts';
import { NEVER } from '../../src/core/deadline.ts';
import { totalBytes } from '../../src/core/total-bytes.ts';
import { createModelCache } from '../../src/engine/model-cache.ts';
import type { LoadReport } from '../../src/engine/model-loader.ts';
import { loadRuntime } from '../../src/engine/session.ts';
import { filesToLoad } from '../../src/engine/version-files.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3Store } from '../../src/repository/stores/s3-store.ts';
import { createTestS3Client } from '../support/s3.ts';

/** Resident bytes of a process: its own, and those of files that it maps. */
export interface Resident {
  readonly ownBytes: number;
  readonly mappedBytes: number;
}

/** What the process prints, as JSON. */
export interface LoadOutcome {
  /** Bytes of the files that a load brings. */
  readonly fileBytes: number;
  readonly downloadMs: number;
  readonly createMs: number;
  /** The largest growth of the process, until the files were there. */
  readonly downloadGrowthBytes: number;
  /** The largest growth of the process, until the model had answered. */
  readonly peakGrowthBytes: number;
  readonly before: Resident;
  readonly loaded: Resident;
  readonly evicted: Resident;
  readonly evictions: number;
  /** Bytes that the second load brought. */
  readonly downloadedAgain: number;
}

const readStatus = async (): Promise<(name: string) => number> => {
  const status = await readFile('/proc/self/status', 'utf8');
  return (name) => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
};
const resident = async (): Promise<Resident> => {
  const of = await readStatus();
  return { ownBytes: of('RssAnon'), mappedBytes: of('RssFile') };
};

const [, , endpoint = '', bucket = '', model = '', directory = ''] = process.argv;
const store = createS3Store(createTestS3Client(endpoint), bucket);
const bundle = await createModelRepository(store).bundle(model, 1);
const reports: LoadReport[] = [];
let evictions = 0;
loadRuntime(); // its memory is not the model's
const models = createModelCache(store, {
  ...{ directory, memoryMb: 1_769, memoryBudgetBytes: Number.POSITIVE_INFINITY },
  diskBudgetBytes: Number.POSITIVE_INFINITY,
  warmUp: async () => {},
  onLoaded: (report) => {
    reports.push(report);
  },
  onEvicted: () => {
    evictions += 1;
  },
});
const run = async (): Promise<void> =>
  models.use(bundle, NEVER, async ({ graphs }) => {
    for (const session of Object.values(graphs)) await session.run(blankTensors(session.signature));
  });

const before = await resident();
/** The largest growth of the process so far. */
const peakGrowth = async (): Promise<number> => (await readStatus())('VmHWM') - before.ownBytes - before.mappedBytes;
await models.fetch(bundle);
const downloadGrowthBytes = await peakGrowth();
await run();
const loaded = await resident();
const peakGrowthBytes = await peakGrowth();
await models.drop(model, NEVER);
const evicted = await resident();
await run();
const [first, again] = reports;
process.stdout.write(
  JSON.stringify({
    fileBytes: totalBytes(filesToLoad(bundle)),
    downloadMs: first?.downloadMs ?? Number.NaN,
    createMs: first?.createMs ?? Number.NaN,
    ...{ downloadGrowthBytes, peakGrowthBytes },
    ...{ before, loaded, evicted, evictions },
    downloadedAgain: again?.downloadBytes ?? Number.NaN,
  } satisfies LoadOutcome),
);
