import { LAMBDA_MB_PER_VCPU } from '../core/aws-limits.ts';
import type { Signature, TensorSpec } from '../core/tensor.ts';
import { openGraphs, releaseSessions, type Sessions } from '../engine/open-graphs.ts';
import { loadRuntime } from '../engine/session.ts';
import { toDefault } from '../protocol/open-inference/defaults.ts';
import type { BundleGraph } from '../repository/versions/bundle.ts';
import { type Draft, type LocalFile, toCandidate } from '../repository/versions/publish.ts';
import { recipeOf } from '../tasks/index.ts';
import { bakeGraphs } from './bake.ts';
import { createLocalPathOf } from './gather-files.ts';
import { mapValues } from './map-values.ts';
import { peakMemory } from './process-memory.ts';
import type { ReadModel } from './read-model.ts';
import { runTrial, type TrialOptions, type TrialRun } from './trial-run.ts';

/** A model before any graph is opened; it can be sent to another process. */
export interface UntriedModel extends TrialOptions, Pick<ReadModel, 'graphs' | 'files'> {
  readonly draft: Omit<Draft, 'graphs'>;
  /** Bakes the graphs: writes them as they load fastest. */
  readonly bake: boolean;
  /** The folder for files that are made. */
  readonly scratch: string;
}

export interface TriedModel extends Pick<TrialRun, 'blank' | 'oneByOne'> {
  /** Settings that the trial run found. */
  readonly settings: TrialRun['findings']['settings'];
  readonly graphs: Draft['graphs'];
  /** Files that were made. */
  readonly files: readonly LocalFile[];
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
  readonly memory: TrialMemory;
}

/** Memory of the process that loaded and ran the model. */
export interface TrialMemory {
  /** Before the load, with Node and the runtime. */
  readonly baseBytes: number;
  /** At its peak. */
  readonly peakBytes: number;
}

/** The part of a trial that goes on, for messages. */
export type TrialStep = 'its load' | 'its trial run' | 'its baking';

const toBundleSignature = (
  { inputs, outputs }: Signature,
  { defaults, lookups }: Pick<UntriedModel['graphs'][string], 'defaults' | 'lookups'>,
): BundleGraph['signature'] => {
  const copy = ({ name, dtype, shape }: TensorSpec) => ({ name, dtype, shape: [...shape] });
  return {
    inputs: inputs.map((spec) => {
      const value = Object.hasOwn(defaults, spec.name) ? defaults[spec.name] : undefined; // an input may be called constructor
      const tables = lookups.get(spec.name);
      return {
        ...copy(spec),
        ...(value && { default: toDefault(value) }),
        ...(tables && { lookups: tables.map((table) => ({ ...table, sizes: [...table.sizes] })) }),
      };
    }),
    outputs: outputs.map(copy),
  };
};

const describeGraphs = (
  graphs: UntriedModel['graphs'],
  sessions: Sessions,
  createMs: Readonly<Record<string, number>>,
): Draft['graphs'] =>
  mapValues(sessions, ({ signature }, role) => {
    const { file = '', externalData = [], defaults = {}, lookups = new Map() } = graphs[role] ?? {};
    return {
      file,
      externalData: [...externalData],
      signature: toBundleSignature(signature, { defaults, lookups }),
      createMs: Math.round(createMs[role] ?? 0),
    };
  });

/** Opens the graphs and runs the model. */
const openAndRun = async (
  { draft, graphs, files, ...options }: UntriedModel,
  localPathOf: (path: string) => string,
  onStep: (step: TrialStep) => Promise<void>,
): Promise<TrialRun & Pick<TriedModel, 'graphs'>> => {
  await onStep('its load');
  const { sessions, createMs } = await openGraphs(graphs, localPathOf, LAMBDA_MB_PER_VCPU);
  try {
    const described = describeGraphs(graphs, sessions, createMs);
    await onStep('its trial run');
    const candidate = toCandidate({ ...draft, graphs: described }, files);
    const tried = await runTrial(candidate, sessions, await recipeOf(draft.task), options, localPathOf);
    return { graphs: described, ...tried };
  } finally {
    await releaseSessions(sessions);
  }
};

/**
 * Opens the graphs of a model, tries it out and bakes its graphs.
 * @param onStep called, and waited for, before each step: a native crash in it ends the process
 * @throws why the model cannot be served
 */
export const tryModel = async (
  model: UntriedModel,
  onStep: (step: TrialStep) => Promise<void>,
): Promise<TriedModel> => {
  const localPathOf = createLocalPathOf(model.files);
  loadRuntime();
  const baseBytes = process.memoryUsage.rss();
  const { graphs, runs, findings, ...found } = await openAndRun(model, localPathOf, onStep);
  const memory = { baseBytes, peakBytes: peakMemory() };
  const { settings, notes } = findings;
  if (!model.bake) return { ...found, settings, graphs, files: [], notes, memory };
  await onStep('its baking');
  const baked = await bakeGraphs(
    graphs,
    runs,
    localPathOf,
    model.scratch,
    (await recipeOf(model.draft.task)).lastPositionOf,
  );
  return { ...found, ...baked, settings, notes: [...notes, ...baked.notes], memory };
};
