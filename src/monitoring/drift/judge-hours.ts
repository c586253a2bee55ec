import { hourOf } from '../../capture/keys.ts';
import { dayOf } from '../../capture/prediction-id.ts';
import { listCaptures, readCaptures } from '../../capture/read-captures.ts';
import type { CaptureRecord } from '../../capture/record.ts';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import { capturedModels } from '../captured-models.ts';
import type { Monitor, MonitorJob } from '../job.ts';
import { type Baseline, readBaseline, valuesOf } from './baseline.ts';
import { addCounts, countValues, type FeatureCounts } from './histogram.ts';
import { type CountedVersion, type ModelHour, readHour, type VersionHour, writeHour } from './hour-document.ts';
import { judgeWindow, LEAST_SAMPLES } from './judge.ts';

type Histograms = Readonly<Record<string, FeatureCounts>>;

const HOUR_MS = 3_600_000;
/** Hours that are looked at again: environments that were frozen write late. */
const LATE_HOURS = 3;
/** Hours that a judgement may take together. */
const MOST_HOURS = 24;

/** The histograms of records, with the bins of a baseline. A feature that a record does not have is not counted for it. */
export const countRecords = (records: readonly CaptureRecord[], { features }: Baseline): Histograms => {
  const rows = records.filter(({ status }) => status === 'ok').map(valuesOf);
  return Object.fromEntries(
    Object.entries(features).map(([name, { bins }]) => [
      name,
      countValues(
        bins,
        rows.map((row) => row[name]).filter((value) => value !== undefined),
      ),
    ]),
  );
};

const add = (one: Histograms, other: Histograms): Histograms =>
  Object.fromEntries(
    Object.entries(one).map(([name, counts]) => {
      const more = other[name];
      return [name, more === undefined ? counts : addCounts(counts, more)];
    }),
  );

/** Adds earlier hours until there are enough samples for a judgement. */
const widen = async (
  { data }: Monitor,
  model: string,
  version: string,
  ms: number,
  own: CountedVersion,
): Promise<{ readonly samples: number; readonly counts: Histograms; readonly hours: number }> => {
  let { samples, counts }: { samples: number; counts: Histograms } = own;
  let hours = 1;
  while (samples < LEAST_SAMPLES && hours < MOST_HOURS) {
    const earlier = (await readHour(data, model, ms - hours * HOUR_MS))?.hour?.versions[version];
    hours += 1;
    if (earlier === undefined || earlier.baseline !== own.baseline) continue;
    samples += earlier.samples;
    counts = add(counts, earlier.counts);
  }
  return { samples, counts, hours };
};

const judgeVersion = async (
  monitor: Monitor,
  model: string,
  ms: number,
  version: number,
  records: readonly CaptureRecord[],
): Promise<VersionHour> => {
  const { repository } = monitor;
  const samples = records.filter(({ status }) => status === 'ok').length;
  const own = { samples, errors: records.length - samples };
  const bundle = await unlessMissing(repository.bundle(model, version));
  const baseline = bundle && (await readBaseline(repository.store, model, version, bundle.task));
  if (baseline === undefined) return { ...own, counts: {}, hours: 1, judgement: undefined };
  const counted = { ...own, baseline: baseline.at, counts: countRecords(records, baseline) };
  const { hours, ...window } = await widen(monitor, model, String(version), ms, counted);
  return { ...counted, hours, judgement: judgeWindow(baseline.features, window.counts, window.samples) };
};

/** Judges one hour, unless its judgement has read all objects already. @returns undefined when there was nothing to do */
const judgeHour = async (monitor: Monitor, model: string, ms: number): Promise<ModelHour | undefined> => {
  const { data } = monitor;
  const [day, hour] = [dayOf(ms), hourOf(ms)];
  const keys = await listCaptures(data, model, day, hour);
  const known = await readHour(data, model, ms);
  if (known?.hour?.objects === keys.length) return undefined;
  const { records, damaged } = await readCaptures(data, keys);
  const byVersion = Map.groupBy(
    records.filter(({ arm }) => arm !== 'shadow'),
    ({ version }) => version,
  );
  const versions: Record<string, VersionHour> = {};
  for (const [version, own] of byVersion) versions[version] = await judgeVersion(monitor, model, ms, version, own);
  const judged: ModelHour = {
    formatVersion: 1,
    model,
    day,
    hour,
    objects: keys.length,
    damaged: [...damaged],
    versions,
  };
  return (await writeHour(data, ms, judged, known)) ? judged : undefined; // another monitor was first
};

/** The version with the most samples of an hour: that of the metrics. */
const mainOf = ({ versions }: ModelHour): VersionHour | undefined =>
  Object.values(versions).toSorted((one, other) => other.samples - one.samples)[0];

/** Tells whether a day of judged hours has no answer. An hour that was not judged proves nothing. */
const isSilent = async ({ data }: Monitor, model: string, hourMs: number): Promise<boolean> => {
  for (let back = 0; back < MOST_HOURS; back += 1) {
    const { hour } = (await readHour(data, model, hourMs - back * HOUR_MS)) ?? {};
    if (hour === undefined || Object.values(hour.versions).some(({ samples }) => samples > 0)) return false;
  }
  return true;
};

const report = ({ telemetry }: Monitor, hour: ModelHour, silent: boolean): void => {
  const main = mainOf(hour);
  const { judgement } = main ?? {};
  const judged = judgement === undefined || judgement.verdict === 'too few' ? undefined : judgement;
  telemetry.judged({
    model: hour.model,
    samples: main?.samples ?? 0,
    verdict: judgement?.verdict ?? 'no baseline',
    worst: judged?.worst,
    drifted: judged?.drifted,
    isSilent: silent,
  });
  for (const { key, problem } of hour.damaged)
    telemetry.warned(`${key} is damaged, and was left out`, new ServingError('INTERNAL', problem));
};

const judgeModel = async (monitor: Monitor, model: string): Promise<void> => {
  const currentMs = Math.floor(monitor.nowMs() / HOUR_MS) * HOUR_MS;
  for (let back = LATE_HOURS; back >= 1; back -= 1) {
    const hourMs = currentMs - back * HOUR_MS;
    const judged = await judgeHour(monitor, model, hourMs);
    if (judged !== undefined && back === 1) report(monitor, judged, await isSilent(monitor, model, hourMs));
  }
};

/** Judges the last hours of each model whose predictions are captured. */
export const judgeHours: MonitorJob = async (monitor) => {
  for (const model of await capturedModels(monitor.repository)) {
    try {
      await judgeModel(monitor, model);
    } catch (error) {
      monitor.telemetry.warned(`the drift of model ${model} was not judged`, ServingError.from(error));
    }
  }
};
