import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toLocalFile } from '../authoring/gather-files.ts';
import { mapValues } from '../authoring/map-values.ts';
import { pullVersion } from '../authoring/pull-version.ts';
import { startTrial } from '../authoring/start-trial.ts';
import { whoami } from '../authoring/whoami.ts';
import { refuse } from '../core/errors.ts';
import { withTemporaryPath } from '../core/temporary-path.ts';
import { runtimeVersion } from '../engine/bake.ts';
import { defaultsOf } from '../protocol/open-inference/defaults.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import { changeRouting } from '../repository/routing/change-routing.ts';
import { setCanary } from '../repository/routing/rollout.ts';
import type { UploadingStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type LocalFile, type PublishOptions, publish } from '../repository/versions/publish.ts';
import { type Answers, type Attempt, bestOf, type Figures } from './attempt.ts';
import { assertLabels, labelsOf } from './loss.ts';
import type { LocalVersion } from './measuring/local-version.ts';
import { startJob } from './measuring/start-job.ts';
import { defaultMethods, type MethodName } from './methods.ts';
import type { Bits } from './passes/quantise-weights.ts';
import { type PreparedGraph, prepareGraphs } from './prepared-version.ts';
import { readSamples, type Samples } from './samples.ts';
import { type LayerError, Search, type Tried } from './search.ts';

export interface OptimiseOptions extends Pick<PublishOptions, 'note' | 'sign'> {
  /** The file or folder with samples. */
  readonly data: string;
  readonly methods?: readonly MethodName[];
  readonly maxLoss: number;
  /** The share of requests that the new version answers at once. */
  readonly canary?: number;
  readonly dryRun: boolean;
  readonly onStep: (step: string) => void;
}

/** The document `optimisation.json` of a version that was optimised. */
export interface OptimisationReport {
  readonly from: { readonly name: string; readonly version: number };
  readonly method: MethodName | undefined;
  readonly maxLoss: number;
  readonly samples: { readonly count: number; readonly answered: number; readonly sha256: string };
  readonly original: Omit<Figures, 'cpuMs'>;
  readonly attempts: readonly Attempt[];
  /** The worst layers of each method whose errors were looked for. */
  readonly layerErrors: Readonly<Record<string, readonly LayerError[]>>;
  readonly processor: string;
  readonly runtime: string;
}

export interface Optimised {
  readonly report: OptimisationReport;
  /** The version that was pushed; undefined when nothing passed, and in a dry run. */
  readonly version: number | undefined;
}

const REPORT_FILE = 'optimisation.json';
/** Layers in the report, the worst first. */
const MOST_LAYERS = 20;
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

const toReport = (
  tried: readonly Tried[],
  about: Pick<OptimisationReport, 'from' | 'method' | 'maxLoss' | 'samples' | 'original'>,
): OptimisationReport => ({
  ...about,
  attempts: tried.map(({ attempt }) => attempt),
  layerErrors: Object.fromEntries(
    tried
      .filter(({ errors }) => errors.length > 0)
      .map(({ attempt, errors }) => [attempt.method, errors.slice(0, MOST_LAYERS)]),
  ),
  processor: process.arch,
  runtime: runtimeVersion(),
});

/** Publishes a candidate as the next version, baked and tried as any push. */
const publishCandidate = async (
  repository: ModelRepository<UploadingStore>,
  version: LocalVersion,
  graphs: readonly PreparedGraph[],
  report: OptimisationReport,
  scratch: string,
  options: OptimiseOptions,
): Promise<number> => {
  const { bundle, places } = version;
  const { name, task, settings, resources, warmup, maxBatch } = bundle;
  const folder = await mkdtemp(join(scratch, 'push-'));
  await writeFile(join(folder, REPORT_FILE), JSON.stringify(report, undefined, 2));
  const paths = [
    ...Object.values(bundle.graphs).flatMap(({ file, externalData }) => [file, ...externalData]),
    ...otherFiles(bundle, graphs),
  ];
  const files: LocalFile[] = [];
  for (const path of new Set(paths)) files.push(await toLocalFile(path, places[path] ?? ''));
  files.push(await toLocalFile(REPORT_FILE, join(folder, REPORT_FILE)));
  const source = `version ${report.from.version} of ${name}, optimised: ${report.method}`;
  const draft = { name, task, settings, resources, warmup, maxBatch, source, created: new Date().toISOString() };
  const trial = startTrial();
  try {
    const compareRows = maxBatch !== 1;
    const { dimensions } = warmup;
    const tried = await trial.run({
      draft,
      graphs: mapValues(bundle.graphs, (graph) => ({ ...graph, defaults: defaultsOf(graph.signature) })),
      dimensions,
      compareRows,
      files,
      bake: true,
      scratch: folder,
    });
    const trialRun = { peakMemoryBytes: tried.memory.peakBytes };
    const alone = Object.keys(tried.oneByOne).length > 0 && { maxBatch: 1 };
    const { note, sign } = options;
    return await publish(
      repository,
      { ...draft, ...alone, graphs: tried.graphs, trialRun },
      [...files, ...tried.files],
      {
        by: whoami(),
        note: note ?? source,
        ...(sign && { sign }),
      },
    );
  } catch (error) {
    trial.stop();
    throw error;
  }
};

/** Files of a version besides its graphs, those that were baked, and the report of an optimisation before. */
const otherFiles = ({ files }: PublishedBundle, graphs: readonly PreparedGraph[]): string[] => {
  const ofGraphs = new Set(graphs.flatMap(({ file, weights }) => [file, ...weights]));
  return files
    .map(({ path }) => path)
    .filter((path) => !ofGraphs.has(path) && !path.startsWith('baked/') && path !== REPORT_FILE);
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
  const scratch = await mkdtemp(join(tmpdir(), 'optimise-'));
  return withTemporaryPath(scratch, async () => {
    onStep('downloading');
    const version = await fetchVersion(repository, bundle, join(scratch, 'original'));
    const graphs = await prepareGraphs(version);
    onStep('the original');
    const { samples, sha256 } = read;
    const measured = await startJob('answer', { version, samples });
    const answered = assertAnswered(measured.answers, read, data, bundle.task);
    assertLabels(samples, measured.answers, labelsOf(bundle.settings));
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
      original: { bytes, peakBytes: measured.peakBytes, createMs: measured.createMs },
    });
    const candidate = tried.find(({ attempt }) => attempt === best)?.candidate;
    if (dryRun || candidate === undefined) return { report, version: undefined };
    onStep('pushing');
    const pushed = await publishCandidate(repository, candidate.version, graphs, report, scratch, options);
    if (canary !== undefined) {
      const reason = { by: whoami(), action: 'canary', note: options.note ?? '', dryRun: false };
      await changeRouting(repository, bundle.name, reason, setCanary({ version: pushed, weight: canary }));
    }
    return { report, version: pushed };
  });
};
