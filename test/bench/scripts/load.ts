/** Loads a model from S3 and runs it once, and says what that took. */
import { readFileSync } from 'node:fs';
import { blankTensors } from '../../../src/core/blank.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import { createModelCache } from '../../../src/engine/model-cache.ts';
import type { LoadReport } from '../../../src/engine/model-loader.ts';
import { loadRuntime, type Session } from '../../../src/engine/session.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createS3Client, createS3Store } from '../../../src/repository/stores/s3-store.ts';
import { script } from '../script.ts';
import { UNBOUNDED } from '../unbounded-cache.ts';

export interface LoadInput {
  readonly endpoint: string;
  readonly bucket: string;
  readonly model: string;
  readonly directory: string;
}

export interface LoadOutcome extends Pick<LoadReport, 'downloadMs' | 'createMs'> {
  /** What the process had before it loaded the model. */
  readonly baseBytes: number;
  /** By how much it grew at most, until after the first run. */
  readonly growthBytes: number;
}

/** Of this process alone: what `resourceUsage` calls the largest may be that of the process it was forked from. */
const readPeakBytes = (): number => {
  const [, kb] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kb) * 1024;
};

script(async ({ endpoint, bucket, model, directory }: LoadInput): Promise<LoadOutcome> => {
  const store = createS3Store(createS3Client(endpoint), bucket);
  const bundle = await createModelRepository(store).bundle(model, 1);
  loadRuntime();
  let report: LoadReport | undefined;
  const models = createModelCache(store, {
    directory,
    ...UNBOUNDED,
    onLoaded: (loaded) => {
      report = loaded;
    },
  });

  const baseBytes = process.memoryUsage.rss();
  await models.use(bundle, NEVER, async (model) => {
    const session = model.graphs.model as Session;
    await session.run(blankTensors(session.signature));
  });
  const peakBytes = readPeakBytes();

  const { downloadMs = Number.NaN, createMs = Number.NaN } = report ?? {};
  return { downloadMs, createMs, baseBytes, growthBytes: peakBytes - baseBytes };
});
