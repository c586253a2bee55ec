/** Times the engine's download of a model against raw ranged downloads of the same file. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createModelCache } from '../../../src/engine/model-cache.ts';
import { filesToLoad } from '../../../src/engine/version-files.ts';
import { fileKey } from '../../../src/repository/keys.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createS3Client, createS3Store } from '../../../src/repository/stores/s3-store.ts';
import type { BundleFile } from '../../../src/repository/versions/bundle.ts';
import { measureInTurn, median, timeMs } from '../figures.ts';
import { downloadRaw, type Ranges } from '../floors/download.ts';
import { script } from '../script.ts';
import { UNBOUNDED } from '../unbounded-cache.ts';

export interface DownloadInput {
  readonly endpoint: string;
  readonly bucket: string;
  readonly model: string;
  readonly directory: string;
  readonly rounds: number;
}

/** Milliseconds by round: verified by the engine, and raw in the way that a sweep found the fastest. */
export type DownloadTimes = Readonly<Record<'verified' | 'raw', number[]>>;

const MB = 1024 * 1024;
const SWEEP_ROUNDS = 2;
const SWEEP: readonly Ranges[] = [
  { partBytes: 8 * MB, inFlight: 4 },
  { partBytes: 8 * MB, inFlight: 8 },
  { partBytes: 32 * MB, inFlight: 4 },
];

script(async ({ endpoint, bucket, model, directory, rounds }: DownloadInput): Promise<DownloadTimes> => {
  const store = createS3Store(createS3Client(endpoint), bucket);
  const bundle = await createModelRepository(store).bundle(model, 1);
  const [{ path: file, bytes }] = filesToLoad(bundle).toSorted((a, b) => b.bytes - a.bytes) as [BundleFile];
  const url = `${endpoint}/${bucket}/${fileKey(model, 1, file)}`;
  const rawPath = path.join(directory, 'raw');
  const cacheDirectory = path.join(directory, 'cache');

  const downloadWith = (ranges: Ranges) => async (): Promise<number> => {
    await rm(rawPath, { force: true });
    return timeMs(() => downloadRaw(url, bytes, rawPath, ranges));
  };
  const sweep = await measureInTurn<string>(
    { rounds: SWEEP_ROUNDS },
    Object.fromEntries(SWEEP.map((ranges, index) => [String(index), downloadWith(ranges)])),
  );
  const [[fastest] = []] = Object.entries(sweep).toSorted(([, a], [, b]) => median(a) - median(b));

  const times = await measureInTurn(
    { rounds },
    {
      raw: downloadWith(SWEEP[Number(fastest)] as Ranges),
      verified: async () => {
        await rm(cacheDirectory, { recursive: true, force: true });
        const models = createModelCache(store, { directory: cacheDirectory, ...UNBOUNDED });
        return timeMs(() => models.fetch(bundle));
      },
    },
  );
  const cached = await readFile(path.join(cacheDirectory, bundle.digest, file));
  assert.ok(cached.equals(await readFile(rawPath)), 'the files differ');
  return times;
});
