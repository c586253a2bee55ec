import { hourOf } from '../../capture/keys.ts';
import { dayOf } from '../../capture/prediction-id.ts';
import { type Damaged, eachCapture, listCaptures } from '../../capture/read-captures.ts';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import { capturedModels } from '../captured-models.ts';
import type { Monitor, MonitorJob } from '../job.ts';
import { type Baseline, readBaseline } from './baseline.ts';
import { type CountedVersion, type ModelHour, readHour, type VersionHour, writeHour } from './hour-document.ts';
import { judgeWindow, LEAST_SAMPLES } from './judge.ts';
import { addHistograms, addRecords, type Histograms, startTally, type Tally } from './tally.ts';

const HOUR_MS = 3_600_000;
/** Hours that are looked at again: environments that were frozen write late. */
const LATE_HOURS = 3;
/** Hours that a judgement may take together. */
const MOST_HOURS = 24;

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
    counts = addHistograms(counts, earlier.counts);
  }
  return { samples, counts, hours };
};

/** The baseline of a version; undefined for one that has none, or was deleted. @throws `MODEL_INVALID` */
const baselineOf = async ({ repository }: Monitor, model: string, version: number): Promise<Baseline | undefined> => {
  const bundle = await unlessMissing(repository.bundle(model, version));
  return bundle && (await readBaseline(repository.store, model, version, bundle.task));
};

const judgeVersion = async (
  monitor: Monitor,
  model: string,
  ms: number,
  version: number,
  { samples, errors, baseline, counts }: Tally,
): Promise<VersionHour> => {
  if (baseline === undefined) return { samples, errors, counts, hours: 1, judgement: undefined };
  const counted = { samples, errors, baseline: baseline.at, counts };
  const { hours, ...window } = await widen(monitor, model, String(version), ms, counted);
  return { ...counted, hours, judgement: judgeWindow(baseline.features, window.counts, window.samples) };
};

/** Counts the answers of objects by version, without those of a shadow. */
const countVersions = async (
  monitor: Monitor,
  model: string,
  keys: readonly string[],
): Promise<{ readonly tallies: ReadonlyMap<number, Tally>; readonly damaged: Damaged[] }> => {
  const baselines = new Map<number, Promise<Baseline | undefined>>();
  const tallies = new Map<number, Tally>();
  const damaged = await eachCapture(monitor.data, keys, async (records) => {
    for (const [version, own] of Map.groupBy(records, (record) => record.version)) {
      const served = own.filter(({ arm }) => arm !== 'shadow');
      if (served.length === 0) continue;
      const reading = baselines.get(version) ?? baselineOf(monitor, model, version);
      baselines.set(version, reading);
      const baseline = await reading;
      tallies.set(version, addRecords(tallies.get(version) ?? startTally(baseline), served));
    }
  });
  return { tallies, damaged };
};

/** Judges one hour, unless its judgement has read all objects already. @returns undefined when there was nothing to do */
const judgeHour = async (monitor: Monitor, model: string, ms: number): Promise<ModelHour | undefined> => {
  const { data } = monitor;
  const [day, hour] = [dayOf(ms), hourOf(ms)];
  const keys = await listCaptures(data, model, day, hour);
  const known = await readHour(data, model, ms);
  if (known?.hour?.objects === keys.length) return undefined;
  const { tallies, damaged } = await countVersions(monitor, model, keys);
  const versions: Record<string, VersionHour> = {};
  for (const [version, tally] of tallies) versions[version] = await judgeVersion(monitor, model, ms, version, tally);
  const judged: ModelHour = { formatVersion: 1, model, day, hour, objects: keys.length, damaged, versions };
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
