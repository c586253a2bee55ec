/** Times the engine's download of a model against raw ranged downloads of the same file. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createModelCache } from '../../../src/engine/model-cache.ts';
import { fileKey } from '../../../src/repository/keys.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createS3Client, createS3Store } from '../../../src/repository/s3-store.ts';
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

/** Milliseconds by round: verified by the engine, and raw in the way that was the fastest. */
export interface DownloadTimes {
  readonly verified: number[];
  readonly raw: number[];
}

const MB = 1024 * 1024;
const SWEEP: readonly Ranges[] = [8, 32].flatMap((sizeMb) =>
  [4, 8].map((inFlight) => ({ partBytes: sizeMb * MB, inFlight })),
);

script(async ({ endpoint, bucket, model, directory, rounds }: DownloadInput): Promise<DownloadTimes> => {
  const store = createS3Store(createS3Client(endpoint), bucket);
  const bundle = await createModelRepository(store).bundle(model, 1);
  const [{ path: file, bytes }] = bundle.files as [(typeof bundle.files)[0]];
  const url = `${endpoint}/${bucket}/${fileKey(model, 1, file)}`;
  const rawPath = path.join(directory, 'raw');
  const verifiedDirectory = path.join(directory, bundle.digest);

  const raw = SWEEP.map((ranges, index): [string, () => Promise<number>] => [
    `raw ${index}`,
    async () => {
      await rm(rawPath, { force: true });
      return timeMs(() => downloadRaw(url, bytes, rawPath, ranges));
    },
  ]);
  const { verified = [], ...raws } = await measureInTurn<string>(
    { rounds },
    {
      ...Object.fromEntries(raw),
      verified: async () => {
        await rm(verifiedDirectory, { recursive: true, force: true });
        const models = createModelCache(store, { directory, ...UNBOUNDED });
        return timeMs(() => models.fetch(bundle));
      },
    },
  );
  assert.deepEqual(await readFile(rawPath), await readFile(path.join(verifiedDirectory, file)));
  const [fastest = []] = Object.values(raws).toSorted((a, b) => median(a) - median(b));
  return { verified, raw: fastest };
});
