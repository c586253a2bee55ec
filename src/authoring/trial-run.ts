import { readFile } from 'node:fs/promises';
import type { Sessions } from '../engine/open-graphs.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { loadTask, runWarmUp } from '../serving/warm-up.ts';
import { runBlank } from '../tasks/answer-one.ts';
import type { Dimensions, TaskRecipe } from '../tasks/recipe.ts';
import { mapValues } from './map-values.ts';
import { type RecordedRun, recordRuns } from './recorded-runs.ts';
import { toWarmUpFailure } from './warm-up-inputs.ts';

/** First runs of each graph, by role. */
export type RunsByRole = Readonly<Record<string, readonly RecordedRun[]>>;

/**
 * The trial run: loads the task and answers the warm-up inputs by the code that serves, and runs the model as its recipe wants.
 * @param candidate the bundle as functions would read it
 * @returns the runs of the graphs
 * @throws why the model cannot be served
 */
export const runTrial = async (
  candidate: PublishedBundle,
  sessions: Sessions,
  recipe: TaskRecipe,
  dimensions: Dimensions,
  localPathOf: (path: string) => string,
): Promise<RunsByRole> => {
  const runs = mapValues(sessions, (): RecordedRun[] => []);
  const graphs = mapValues(sessions, (session, role) => recordRuns(session, runs[role] ?? []));
  const read = (path: string): Promise<Uint8Array> => readFile(localPathOf(path));
  const ready = await loadTask({ bundle: candidate, graphs }, read);
  await (recipe.trialRun ?? runBlank)(ready.task, ready.model, candidate.settings, dimensions);
  await runWarmUp(ready, candidate.warmup.inputs, read, (path, error) => toWarmUpFailure(localPathOf(path), error));
  return runs;
};
