import { basename, resolve } from 'node:path';
import { LAMBDA_MB_PER_VCPU } from '../core/aws-limits.ts';
import type { Signature } from '../core/tensor.ts';
import { openGraphs, releaseSessions, type Sessions } from '../engine/open-graphs.ts';
import type { BundleGraph } from '../repository/versions/bundle.ts';
import { type Draft, type LocalFile, toCandidate } from '../repository/versions/publish.ts';
import type { ModelSource } from '../source/model-source.ts';
import { bakeGraphs } from './bake.ts';
import { createLocalPathOf } from './gather-files.ts';
import { mapValues } from './map-values.ts';
import { type ReadModel, type ReadOptions, readModel } from './read-model.ts';
import type { RecognisedTask } from './recognise-task.ts';
import { type RunsByRole, runTrial } from './trial-run.ts';

export interface PrepareOptions extends ReadOptions {
  /** Bakes the graphs: writes them as they load fastest. Default true. */
  readonly bake?: boolean;
}

/** A version before it is published. */
export interface PreparedModel {
  readonly draft: Draft;
  readonly files: readonly LocalFile[];
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

const toBundleSignature = ({ inputs, outputs }: Signature): BundleGraph['signature'] => {
  const copy = (specs: Signature['inputs']) => specs.map((spec) => ({ ...spec, shape: [...spec.shape] }));
  return { inputs: copy(inputs), outputs: copy(outputs) };
};

const describeGraphs = (
  graphs: ReadModel['graphs'],
  sessions: Sessions,
  createMs: Readonly<Record<string, number>>,
): Draft['graphs'] =>
  mapValues(sessions, ({ signature }, role) => {
    const { file = '', externalData = [] } = graphs[role] ?? {};
    return {
      file,
      externalData: [...externalData],
      signature: toBundleSignature(signature),
      createMs: Math.round(createMs[role] ?? 0),
    };
  });

const describeOrigin = ({ directory, graphs }: ModelSource, { reason }: RecognisedTask): string => {
  const paths = Object.values(graphs).map(({ path }) => path);
  return `${basename(resolve(directory))}/${paths.join(' + ')} (task: ${reason})`;
};

/** Opens the graphs of `model` and tries them out. */
const openAndTry = async (
  { recipe, graphs, settings, resources, warmUp, dimensions, maxBatch, files }: ReadModel,
  about: Pick<Draft, 'name' | 'task' | 'source'>,
  localPathOf: (path: string) => string,
): Promise<{ readonly draft: Draft; readonly runs: RunsByRole }> => {
  const { sessions, createMs } = await openGraphs(graphs, localPathOf, LAMBDA_MB_PER_VCPU);
  try {
    const { name, task, source } = about;
    const draft: Draft = {
      name,
      task,
      graphs: describeGraphs(graphs, sessions, createMs),
      settings: { ...settings },
      resources: [...resources],
      ...(maxBatch !== undefined && { maxBatch }),
      warmup: { dimensions: { ...dimensions }, inputs: [...warmUp] },
      source,
      created: new Date().toISOString(),
    };
    return { draft, runs: await runTrial(toCandidate(draft, files), sessions, recipe, dimensions, localPathOf) };
  } finally {
    await releaseSessions(sessions);
  }
};

/**
 * The version that the model would be, after its trial run. A push reads the folder, opens the graphs, tries the model out, and bakes its
 * graphs. Files that are made at push are written into the folder `scratch`.
 * @throws why it cannot be served
 */
export const prepareModel = async (
  source: ModelSource,
  name: string,
  recognised: RecognisedTask,
  options: PrepareOptions,
  scratch: string,
): Promise<PreparedModel> => {
  const model = await readModel(source, recognised, options, scratch);
  const { files, notes } = model;
  const localPathOf = createLocalPathOf(files);
  const about = { name, task: recognised.task, source: describeOrigin(source, recognised) };
  const { draft, runs } = await openAndTry(model, about, localPathOf);
  const { bake = true } = options;
  if (!bake) return { draft, files, notes };
  const baked = await bakeGraphs(draft.graphs, runs, localPathOf, scratch);
  return {
    draft: { ...draft, graphs: baked.graphs },
    files: [...files, ...baked.files],
    notes: [...notes, ...baked.notes],
  };
};
