import { readFile } from 'node:fs/promises';
import type { Blank, Dimensions } from '../core/blank.ts';
import type { Sessions } from '../engine/open-graphs.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { loadTask, runWarmUp } from '../serving/warm-up.ts';
import { runBlank } from '../tasks/answer-one.ts';
import type { Findings, TaskRecipe, TwoRows } from '../tasks/recipe.ts';
import { mapValues } from './map-values.ts';
import { type RecordedRun, recordRuns } from './recorded-runs.ts';
import { findRowInfluence } from './row-influence.ts';
import { toWarmUpFailure } from './warm-up-inputs.ts';

/** First runs of each graph, by role. */
export type RunsByRole = Readonly<Record<string, readonly RecordedRun[]>>;

export interface TrialOptions {
  /** Sizes of variable dimensions of the made-up input. */
  readonly dimensions: Dimensions;
  /** Finds out whether rows change the answers for others. */
  readonly compareRows: boolean;
}

export interface TrialRun {
  readonly runs: RunsByRole;
  /** The input that warms the model up where it has no recorded ones; undefined when the task needs none to be found. */
  readonly blank: Blank | undefined;
  /** Reasons to run rows one by one, by the role of the graph. */
  readonly oneByOne: Readonly<Record<string, string>>;
  readonly findings: Findings;
}

const NOTHING: Findings = { settings: {}, notes: [] };

/**
 * The trial run: loads the task and answers the warm-up inputs by the code that serves, and runs the model as its recipe wants.
 * @param candidate the bundle as functions would read it
 * @throws why the model cannot be served
 */
export const runTrial = async (
  candidate: PublishedBundle,
  sessions: Sessions,
  recipe: TaskRecipe,
  { dimensions, compareRows }: TrialOptions,
  localPathOf: (path: string) => string,
): Promise<TrialRun> => {
  const runs = mapValues(sessions, (): RecordedRun[] => []);
  const graphs = mapValues(sessions, (session, role) => recordRuns(session, runs[role] ?? []));
  const read = (path: string): Promise<Uint8Array> => readFile(localPathOf(path));
  const loaded = await loadTask({ bundle: candidate, graphs }, read);
  const findings = (await recipe.findSettings?.(loaded.model, candidate.settings)) ?? NOTHING;
  const bundle = { ...candidate, settings: { ...candidate.settings, ...findings.settings } };
  const ready = findings === NOTHING ? loaded : await loadTask({ bundle, graphs }, read);
  const { inputs } = bundle.warmup;
  await (recipe.trialRun ?? runBlank)(ready.task, ready.model, bundle.settings);
  const blank = inputs.length > 0 ? undefined : await recipe.findBlank?.(ready.task, ready.model, dimensions);
  await runWarmUp(ready, inputs, read, (path, error) => toWarmUpFailure(localPathOf(path), error));
  const twoRows = (): Readonly<Record<string, TwoRows>> => recipe.twoRows?.(ready.model, bundle.settings) ?? {};
  const oneByOne = compareRows ? await findRowInfluence(sessions, runs, twoRows()) : {};
  return { runs, blank, oneByOne, findings };
};
