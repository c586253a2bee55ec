import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pullVersion } from '../authoring/pull-version.ts';
import { whoami } from '../authoring/whoami.ts';
import { refuse } from '../core/errors.ts';
import { withScratch } from '../core/scratch.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import { changeRouting } from '../repository/routing/change-routing.ts';
import { setCanary } from '../repository/routing/rollout.ts';
import type { UploadingStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { PublishOptions } from '../repository/versions/publish.ts';
import { type Answers, bestOf } from './attempt.ts';
import { fixedSizesOf, fixGraphs, withOpenDimensions } from './fixed-sizes.ts';
import { assertLabels } from './loss.ts';
import type { LocalVersion } from './measuring/local-version.ts';
import { startJob } from './measuring/start-job.ts';
import { defaultMethods, type MethodName } from './methods.ts';
import type { Bits } from './passes/quantise-weights.ts';
import { prepareGraphs } from './prepared-version.ts';
import { publishCandidate } from './publish-candidate.ts';
import { type OptimisationReport, toReport } from './report.ts';
import { readSamples, type Samples } from './samples.ts';
import { Search, type Tried } from './search.ts';

export interface OptimiseOptions extends Pick<PublishOptions, 'note' | 'sign'> {
  /** The file or folder with samples. */
  readonly data: string;
  readonly methods?: readonly MethodName[];
  readonly maxLoss: number;
  /** True to fix the sizes of inputs that are the same in all samples. */
  readonly fixedSizes?: boolean;
  /** The share of requests that the new version answers at once. */
  readonly canary?: number;
  readonly dryRun: boolean;
  readonly onStep: (step: string) => void;
}

export interface Optimised {
  readonly report: OptimisationReport;
  /** The version that was pushed; undefined when nothing passed, and in a dry run. */
  readonly version: number | undefined;
}

/** Other processors than x86 multiply 8-bit integers without overflow. */
const BITS: Bits = process.arch === 'x64' || process.arch === 'ia32' ? 7 : 8;

/** Copies the files of a version to this computer. */
const fetchVersion = async (
  repository: ModelRepository<UploadingStore>,
  bundle: PublishedBundle,
  directory: string,
): Promise<LocalVersion> => {
  await pullVersion(repository, bundle, directory, () => {});
  return { bundle, places: Object.fromEntries(bundle.files.map(({ path }) => [path, join(directory, path)])) };
};

/** @throws `INVALID_REQUEST` with the reason of the first sample, when the model answers none */
const assertAnswered = (answers: Answers, { samples }: Samples, data: string, task: string): number => {
  const answered = answers.filter((answer) => typeof answer !== 'string').length;
  const place = answers.findIndex((answer) => typeof answer === 'string');
  if (answered === 0)
    refuse(
      'INVALID_REQUEST',
      `--data ${data} has no sample that the task ${task} answers; ${samples[place]?.name}: ${String(answers[place])}`,
    );
  return answered;
};

/**
 * Optimises a version: tries methods, measures each candidate against the version on samples, and publishes the best that passes as the next
 * version. Nothing is written before.
 * @throws `INVALID_REQUEST` for samples that cannot be answered, and for a model that is quantised already; the errors of a push
 */
export const optimiseModel = async (
  repository: ModelRepository<UploadingStore>,
  bundle: PublishedBundle,
  options: OptimiseOptions,
): Promise<Optimised> => {
  const { data, maxLoss, canary, dryRun, onStep } = options;
  const read = await readSamples(data, bundle.task);
  return withScratch('optimise', async (scratch) => {
    onStep('downloading');
    const version = await fetchVersion(repository, bundle, join(scratch, 'original'));
    const prepared = await prepareGraphs(version);
    onStep('the original');
    const { samples, sha256 } = read;
    const measured = await startJob('answer', { version, samples });
    const answered = assertAnswered(measured.answers, read, data, bundle.task);
    assertLabels(samples, measured.answers, bundle);
    const graphs = options.fixedSizes ? fixGraphs(prepared, measured.sizes) : prepared;
    const candidates = join(scratch, 'candidates');
    await mkdir(candidates);
    const search = new Search(
      { version, graphs, samples, bits: BITS, scratch: candidates, maxLoss, onStep },
      measured.answers,
    );
    const tried: Tried[] = [];
    for (const method of options.methods ?? defaultMethods(Object.keys(bundle.graphs)))
      tried.push(...(await search.try(method)));
    const best = bestOf(tried.map(({ attempt }) => attempt));
    const bytes = graphs.reduce((sum, graph) => sum + graph.bytes, 0);
    const report = toReport(tried, {
      from: { name: bundle.name, version: bundle.version },
      method: best?.method,
      maxLoss,
      samples: { count: samples.length, answered, sha256 },
      fixedSizes: fixedSizesOf(graphs),
      original: { bytes, peakBytes: measured.peakBytes, createMs: measured.createMs },
    });
    const candidate = tried.find(({ attempt }) => attempt === best)?.candidate;
    if (dryRun || candidate === undefined) return { report, version: undefined };
    onStep('pushing');
    const open = withOpenDimensions(candidate.version, graphs);
    const pushed = await publishCandidate(repository, open, graphs, report, scratch, options);
    if (canary !== undefined) {
      const reason = { by: whoami(), action: 'canary', note: options.note ?? '', dryRun: false };
      await changeRouting(repository, bundle.name, reason, setCanary({ version: pushed, weight: canary }));
    }
    return { report, version: pushed };
  });
};
