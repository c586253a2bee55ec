import { readFile } from 'node:fs/promises';
import type { Sessions } from '../engine/open-graphs.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { loadTask, runWarmUp } from '../serving/warm-up.ts';
import { runBlank } from '../tasks/answer-one.ts';
import type { Dimensions, Findings, TaskRecipe } from '../tasks/recipe.ts';
import { mapValues } from './map-values.ts';
import { type RecordedRun, recordRuns } from './recorded-runs.ts';
import { toWarmUpFailure } from './warm-up-inputs.ts';

/** First runs of each graph, by role. */
export type RunsByRole = Readonly<Record<string, readonly RecordedRun[]>>;

export interface TrialRun {
  readonly runs: RunsByRole;
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
  dimensions: Dimensions,
  localPathOf: (path: string) => string,
): Promise<TrialRun> => {
  const runs = mapValues(sessions, (): RecordedRun[] => []);
  const graphs = mapValues(sessions, (session, role) => recordRuns(session, runs[role] ?? []));
  const read = (path: string): Promise<Uint8Array> => readFile(localPathOf(path));
  const loaded = await loadTask({ bundle: candidate, graphs }, read);
  const findings = (await recipe.findSettings?.(loaded.model, candidate.settings)) ?? NOTHING;
  const bundle = { ...candidate, settings: { ...candidate.settings, ...findings.settings } };
  const ready = findings === NOTHING ? loaded : await loadTask({ bundle, graphs }, read);
  await (recipe.trialRun ?? runBlank)(ready.task, ready.model, bundle.settings, dimensions);
  await runWarmUp(ready, candidate.warmup.inputs, read, (path, error) => toWarmUpFailure(localPathOf(path), error));
  return { runs, findings };
};
