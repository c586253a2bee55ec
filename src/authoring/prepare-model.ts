import { basename, resolve } from 'node:path';
import type { Draft, LocalFile } from '../repository/versions/publish.ts';
import type { ModelSource } from '../source/model-source.ts';
import { noteOnMemory } from './memory-need.ts';
import { type ReadModel, type ReadOptions, readModel } from './read-model.ts';
import type { RecognisedTask } from './recognise-task.ts';
import { startTrial, type Trial } from './start-trial.ts';
import type { TrialStep } from './try-model.ts';

/** A step of a push before anything is sent. */
export type PrepareStep = 'its conversion' | 'its hashes' | TrialStep;

export interface PrepareOptions extends ReadOptions {
  /** Called at the begin of each step. */
  readonly onStep?: (step: PrepareStep) => void;
  /** Bakes the graphs: writes them as they load fastest. Default true. */
  readonly bake?: boolean;
  /** Starts what tries the model. Default: a process with 5 minutes, and the memory of the largest function. */
  readonly startTrial?: () => Trial;
}

/** A version before it is published. */
export interface PreparedModel {
  readonly draft: Draft;
  readonly files: readonly LocalFile[];
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

const describeOrigin = ({ directory, graphs, conversion }: ModelSource, { reason }: RecognisedTask): string => {
  const folder = basename(resolve(directory));
  if (conversion) return `${folder}/${conversion.file} (${conversion.origin}; task: ${reason})`;
  const paths = Object.values(graphs).map(({ path }) => path);
  return `${folder}/${paths.join(' + ')} (task: ${reason})`;
};

const noteOneByOne = (path: string, reason: string): string =>
  `${path}: ${reason}; rows run one by one unless --max-batch says otherwise`;

/** The bundle of `model`, apart from its graphs. */
const toDraft = (
  { settings, resources, warmUp, maxBatch }: ReadModel,
  about: Pick<Draft, 'name' | 'task' | 'source'>,
): Omit<Draft, 'graphs'> => ({
  ...about,
  settings: { ...settings },
  resources: [...resources],
  ...(maxBatch !== undefined && { maxBatch }),
  warmup: { dimensions: {}, inputs: [...warmUp] },
  created: new Date().toISOString(),
});

/**
 * The version that the model would be, after its trial run. A push reads the folder. Then another process opens the graphs, tries the model
 * out, and bakes its graphs. Files that are made at push are written into the folder `scratch`.
 * @throws why it cannot be served
 */
export const prepareModel = async (
  source: ModelSource,
  name: string,
  recognised: RecognisedTask,
  { bake = true, startTrial: start = startTrial, onStep = () => {}, ...options }: PrepareOptions,
  scratch: string,
): Promise<PreparedModel> => {
  const trial = start();
  try {
    onStep('its hashes');
    const model = await readModel(source, recognised, options, scratch);
    const draft = toDraft(model, { name, task: recognised.task, source: describeOrigin(source, recognised) });
    const { graphs, dimensions, compareRows, files } = model;
    const tried = await trial.run({ draft, graphs, dimensions, compareRows, files, bake, scratch }, onStep);
    const oneByOne = Object.entries(tried.oneByOne).map(([role, reason]) =>
      noteOneByOne(graphs[role]?.file ?? role, reason),
    );
    return {
      draft: {
        ...draft,
        settings: { ...draft.settings, ...tried.settings },
        ...(oneByOne.length > 0 && { maxBatch: 1 }),
        ...(tried.blank && { warmup: { inputs: [], ...tried.blank } }),
        graphs: tried.graphs,
        trialRun: { peakMemoryBytes: tried.memory.peakBytes },
      },
      files: [...files, ...tried.files],
      notes: [...model.notes, ...oneByOne, ...tried.notes, ...noteOnMemory(tried.memory)],
    };
  } catch (error) {
    trial.stop();
    throw error;
  }
};
