import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LAMBDA_MB_PER_VCPU, LAMBDA_MOST_MEMORY_MB } from '../core/aws-limits.ts';
import { ensureFiles, filesToLoad } from '../engine/version-files.ts';
import { quantile } from '../metrics/interval.ts';
import type { Sample } from '../optimise/measuring/jobs.ts';
import type { LocalVersion } from '../optimise/measuring/local-version.ts';
import { startJob } from '../optimise/measuring/start-job.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Profile, Spread, ThreadProfile } from './profile.ts';

/** The most threads that the engine takes on any function. */
const MOST_THREADS = Math.floor(LAMBDA_MOST_MEMORY_MB / LAMBDA_MB_PER_VCPU);

export const toSpread = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), mean };
};

/** Downloads a version as a function does, and measures the CPU time of that. */
const download = async (
  repository: ModelRepository,
  bundle: PublishedBundle,
  directory: string,
): Promise<{ readonly version: LocalVersion; readonly bytes: number; readonly cpuMs: number }> => {
  const before = process.cpuUsage();
  const bytes = await ensureFiles(repository.store, bundle, directory);
  const { user, system } = process.cpuUsage(before);
  const places = Object.fromEntries(filesToLoad(bundle).map(({ path }) => [path, join(directory, path)]));
  return { version: { bundle, places }, bytes, cpuMs: (user + system) / 1000 };
};

/**
 * Measures a version on one thread and on as many as this computer and a function have, each in a process of its own.
 * @param samples requests; none for a blank one
 * @param directory where the files of the version go
 * @throws the reason of the first sample, when the version answers none
 */
export const measureVersion = async (
  repository: ModelRepository,
  { bundle, description }: { readonly bundle: PublishedBundle; readonly description: string },
  samples: readonly Sample[],
  directory: string,
  onStep: (step: string) => void,
): Promise<Profile> => {
  onStep(`downloading version ${bundle.version}`);
  const { version, bytes, cpuMs } = await download(repository, bundle, directory);
  const profiles: ThreadProfile[] = [];
  let runs = 0;
  for (let threads = 1; threads <= Math.min(MOST_THREADS, availableParallelism()); threads += 1) {
    onStep(`version ${bundle.version} on ${threads === 1 ? '1 thread' : `${threads} threads`}`);
    const measured = await startJob('profile', { version, samples, threads });
    runs = measured.cpuMs.length;
    const { createMs, firstMs, baseBytes, peakBytes } = measured;
    const times = { cpuMs: toSpread(measured.cpuMs), mainMs: toSpread(measured.mainMs) };
    profiles.push({ threads, ...times, createMs, firstMs, baseBytes, peakBytes });
  }
  return {
    ...{ version: bundle.version, description, downloadBytes: bytes, downloadMs: cpuMs, runs, threads: profiles },
  };
};
