import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toLocalFile } from '../authoring/gather-files.ts';
import { mapValues } from '../authoring/map-values.ts';
import { startTrial } from '../authoring/start-trial.ts';
import { whoami } from '../authoring/whoami.ts';
import { defaultsOf } from '../protocol/open-inference/defaults.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { UploadingStore } from '../repository/stores/object-store.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { type LocalFile, type PublishOptions, publish } from '../repository/versions/publish.ts';
import type { LocalVersion } from './measuring/local-version.ts';
import type { PreparedGraph } from './prepared-version.ts';
import { type OptimisationReport, REPORT_FILE } from './report.ts';

/** Files of a version besides its graphs, those that were baked, and the report of an optimisation before. */
const otherFiles = ({ files }: PublishedBundle, graphs: readonly PreparedGraph[]): string[] => {
  const ofGraphs = new Set(graphs.flatMap(({ file, weights }) => [file, ...weights]));
  return files
    .map(({ path }) => path)
    .filter((path) => !ofGraphs.has(path) && !path.startsWith('baked/') && path !== REPORT_FILE);
};

/** Publishes a candidate as the next version, baked and tried as any push. */
export const publishCandidate = async (
  repository: ModelRepository<UploadingStore>,
  version: LocalVersion,
  graphs: readonly PreparedGraph[],
  report: OptimisationReport,
  scratch: string,
  options: Pick<PublishOptions, 'note' | 'sign'>,
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
      graphs: mapValues(bundle.graphs, ({ signature, ...graph }) => ({
        ...graph,
        defaults: defaultsOf(signature),
        lookups: new Map(signature.inputs.flatMap(({ name, lookups }) => (lookups ? [[name, lookups]] : []))),
      })),
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
