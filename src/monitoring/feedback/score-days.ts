import { dayOf } from '../../capture/prediction-id.ts';
import { listCaptures } from '../../capture/read-captures.ts';
import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { capturedModels } from '../captured-models.ts';
import type { Monitor, MonitorJob } from '../job.ts';
import { type DayAccuracy, scoreDay } from './accuracy.ts';
import { readAccuracy, writeAccuracy } from './accuracy-document.ts';
import { OLDEST_DAYS } from './parse-feedback.ts';
import { labelsPrefix, modelLabelsPrefix } from './store-feedback.ts';

const DAY_MS = 86_400_000;
/** Days of which the metric is made, and the labels that it needs at least. */
const METRIC_DAYS = 7;
const LEAST_LABELS = 200;
const countObjects = async (data: ObjectStore, prefix: string): Promise<number> => {
  let count = 0;
  for await (const _object of data.list(prefix)) count += 1;
  return count;
};

/** Days, newest first, that have feedback. The bucket deletes it with the captures. */
const labelledDays = async (data: ObjectStore, model: string, nowMs: number): Promise<string[]> => {
  const oldest = dayOf(nowMs - OLDEST_DAYS * DAY_MS);
  const days: string[] = [];
  for await (const folder of data.folders(modelLabelsPrefix(model))) days.push(folder.replace(/^day=/, ''));
  return days
    .filter((day) => day >= oldest)
    .sort()
    .reverse();
};

/** The accuracy of a day as it was scored, or scored anew when there are more objects. Captures that have expired leave it as it was. */
const currentAccuracy = async (
  data: ObjectStore,
  model: string,
  day: string,
): Promise<{ readonly accuracy: DayAccuracy; readonly isNew: boolean }> => {
  const known = await readAccuracy(data, model, day);
  const captures = (await listCaptures(data, model, day)).length;
  const labels = await countObjects(data, labelsPrefix(model, day));
  if (
    known &&
    (captures < known.objects.captures || (captures === known.objects.captures && labels === known.objects.labels))
  )
    return { accuracy: known, isNew: false };
  return { accuracy: await scoreDay(data, model, day), isNew: true };
};

const scoreModel = async ({ data, nowMs, telemetry }: Monitor, model: string): Promise<void> => {
  let [right, of] = [0, 0];
  for (const day of await labelledDays(data, model, nowMs())) {
    const { accuracy: scored, isNew } = await currentAccuracy(data, model, day);
    if (isNew) await writeAccuracy(data, scored);
    if (day < dayOf(nowMs() - METRIC_DAYS * DAY_MS)) continue;
    for (const { arm, accuracy } of scored.versions) {
      if (arm === 'shadow' || accuracy === undefined) continue;
      right += accuracy.right;
      of += accuracy.of;
    }
  }
  if (of >= LEAST_LABELS) telemetry.scored({ model, accuracy: right / of, labels: of });
};

/** Scores the answers of each captured model by their feedback, day by day of the predictions: late labels count where they belong. */
export const scoreDays: MonitorJob = async (monitor) => {
  for (const model of await capturedModels(monitor.repository)) {
    try {
      await scoreModel(monitor, model);
    } catch (error) {
      monitor.telemetry.warned(`the accuracy of model ${model} was not scored`, ServingError.from(error));
    }
  }
};

/** The accuracy of the newest days with feedback, a week of them at most. @throws `MODEL_UNAVAILABLE` */
export const scoreRecentDays = async (data: ObjectStore, model: string, nowMs: number): Promise<DayAccuracy[]> => {
  const scored: DayAccuracy[] = [];
  for (const day of (await labelledDays(data, model, nowMs)).slice(0, METRIC_DAYS))
    scored.push((await currentAccuracy(data, model, day)).accuracy);
  return scored;
};
