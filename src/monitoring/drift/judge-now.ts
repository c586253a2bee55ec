import { hourOf } from '../../capture/keys.ts';
import { dayOf } from '../../capture/prediction-id.ts';
import { eachCapture, listCaptures } from '../../capture/read-captures.ts';
import { type ModelRepository, unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type Baseline, readBaseline } from './baseline.ts';
import type { FeatureCounts } from './histogram.ts';
import { type Judgement, judgeWindow } from './judge.ts';
import { addRecords, startTally } from './tally.ts';

const HOUR_MS = 3_600_000;

/** The last hours of a version beside its baseline. */
export interface DriftNow {
  readonly version: number;
  readonly hours: number;
  readonly samples: number;
  /** Answers by their first label. */
  readonly labels: Readonly<Record<string, number>>;
  /** Undefined for a version without a baseline. */
  readonly baseline: Baseline | undefined;
  readonly counts: Readonly<Record<string, FeatureCounts>>;
  readonly judgement: Judgement | undefined;
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
}

/** Judges what was captured of a version in the last hours, the one that has not ended among them. @throws `MODEL_UNAVAILABLE` */
export const judgeNow = async (
  {
    repository,
    data,
    nowMs,
  }: { readonly repository: ModelRepository; readonly data: ObjectStore; readonly nowMs: number },
  model: string,
  version: number,
  hours = 24,
): Promise<DriftNow> => {
  const keys: string[] = [];
  for (let back = 0; back < hours; back += 1) {
    const ms = nowMs - back * HOUR_MS;
    keys.push(...(await listCaptures(data, model, dayOf(ms), hourOf(ms))));
  }
  const bundle = await unlessMissing(repository.bundle(model, version));
  const baseline = bundle && (await readBaseline(repository.store, model, version, bundle.task));
  const labels = new Map<string, number>();
  let tally = startTally(baseline);
  const damaged = await eachCapture(data, keys, (records) => {
    const own = records.filter(
      (record) => record.version === version && record.arm !== 'shadow' && record.status === 'ok',
    );
    for (const { label } of own) if (label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
    tally = addRecords(tally, own);
  });
  const { samples, counts } = tally;
  const judgement = baseline && judgeWindow(baseline.features, counts, samples);
  return {
    ...{ version, hours, samples, labels: Object.fromEntries(labels) },
    ...{ baseline, counts, judgement, damaged },
  };
};
