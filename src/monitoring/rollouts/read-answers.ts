import { capturesPrefix, hourOf } from '../../capture/keys.ts';
import { dayOf } from '../../capture/prediction-id.ts';
import { listCaptures } from '../../capture/read-captures.ts';
import type { CaptureRecord } from '../../capture/record.ts';
import { ServingError } from '../../core/errors.ts';
import { type ModelRepository, unlessMissing } from '../../repository/model-repository.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { type Baseline, readBaseline } from '../drift/baseline.ts';
import { isRight } from '../feedback/arm-tally.ts';
import { listLabels, readLabels, type Word, wordKey } from '../feedback/read-labels.ts';
import { type AnswerCounts, type ArmRecords, countAnswers } from './answer-counts.ts';
import { eachCounted } from './counted-records.ts';
import type { AutomaticCanary } from './guards.ts';
import type { Arm } from './step-counts.ts';

/** The surroundings of a look at a canary. */
export interface RolloutSources {
  readonly repository: ModelRepository;
  readonly data: ObjectStore;
  readonly nowMs: number;
  /** Told of an object that cannot be read: it is left out. */
  readonly onBroken: (key: string, error: ServingError) => void;
}

/** Guards that look at captured answers. */
const ANSWER_GUARDS: readonly string[] = ['accuracy', 'drift'];
export const needsAnswers = ({ guards }: AutomaticCanary['plan']): boolean =>
  guards.some((name) => ANSWER_GUARDS.includes(name));

const DAY_MS = 86_400_000;
/** Objects that are read before it is known whether more are needed. */
const OBJECTS_AT_ONCE = 200;
/** Records of a step that are looked at, the first ones: the evidence stays valid, since it changes no more beyond them. */
const MOST_RECORDS = 100_000;

const daysOf = (sinceMs: number, nowMs: number): string[] => {
  const days: string[] = [];
  for (let ms = sinceMs; dayOf(ms) <= dayOf(nowMs); ms += DAY_MS) days.push(dayOf(ms));
  return days;
};

/** The captures since an hour, in the order of hours. */
const listSince = async (data: ObjectStore, model: string, sinceMs: number, nowMs: number): Promise<string[]> => {
  const first = `${capturesPrefix(model, dayOf(sinceMs))}${hourOf(sinceMs)}`;
  const keys: string[] = [];
  for (const day of daysOf(sinceMs, nowMs)) keys.push(...(await listCaptures(data, model, day)));
  return keys.filter((key) => key >= first);
};

/** The records of both arms since the step began. */
const readRecords = async (
  { data, nowMs, onBroken }: RolloutSources,
  model: string,
  stable: number,
  { version, plan }: AutomaticCanary,
): Promise<ArmRecords> => {
  const sinceMs = Date.parse(plan.since);
  const keys = await listSince(data, model, sinceMs, nowMs);
  const found: Record<Arm, CaptureRecord[]> = { stable: [], canary: [] };
  const add = (record: CaptureRecord): void => {
    const { arm, time } = record;
    if (!(Date.parse(time) >= sinceMs)) return;
    if (arm === 'stable' && record.version === stable) found.stable.push(record);
    if (arm === 'canary' && record.version === version) found.canary.push(record);
  };
  while (keys.length > 0 && found.stable.length + found.canary.length < MOST_RECORDS) {
    const damaged = await eachCounted(data, keys.splice(0, OBJECTS_AT_ONCE), (records) => records.forEach(add));
    for (const { key, problem } of damaged) onBroken(key, new ServingError('INTERNAL', problem));
  }
  return found;
};

/** Tells of answers whether they are right, by the last word on each. Words on other answers are not kept. */
const readJudge = async (
  { data, nowMs }: RolloutSources,
  model: string,
  since: string,
  { stable, canary }: ArmRecords,
): Promise<(record: CaptureRecord) => boolean | undefined> => {
  const asked = new Set([...stable, ...canary].map(wordKey));
  const words = new Map<string, Word>();
  for (const day of daysOf(Date.parse(since), nowMs)) {
    const labels = await readLabels(data, await listLabels(data, model, day), (key) => asked.has(key));
    for (const [key, word] of labels.last) words.set(key, word);
  }
  return (record) => {
    const word = words.get(wordKey(record));
    return word && isRight(record, word);
  };
};

/** The baseline of the stable version, or the reason for which there is none. */
const readKinds = async (
  { repository }: RolloutSources,
  model: string,
  stable: number,
): Promise<{ readonly baseline?: Baseline; readonly problem?: string }> => {
  try {
    const bundle = await unlessMissing(repository.bundle(model, stable));
    const baseline = bundle && (await readBaseline(repository.store, model, stable, bundle.task));
    if (baseline && Object.keys(baseline.features).some((name) => name.startsWith('answer.'))) return { baseline };
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code === 'MODEL_UNAVAILABLE') throw error;
    return { problem: message };
  }
  const advice = `npx onnx-serverless monitor ${model} --baseline <file|7d>`;
  return { problem: `version ${stable} has no baseline of its answers: ${advice}` };
};

/** Counts the captured answers of a step. @throws `MODEL_UNAVAILABLE` */
export const readAnswers = async (
  sources: RolloutSources,
  model: string,
  { stable, captured }: Routing,
  canary: AutomaticCanary,
): Promise<AnswerCounts> => {
  if (!captured || Number.isNaN(Date.parse(canary.plan.since))) {
    const answers = `no answers are captured: npx onnx-serverless monitor ${model} --capture 100%`;
    return countAnswers({ stable: [], canary: [] }, () => undefined, undefined, { answers });
  }
  const [records, { baseline, problem }] = await Promise.all([
    readRecords(sources, model, stable, canary),
    readKinds(sources, model, stable),
  ]);
  const judge = await readJudge(sources, model, canary.plan.since, records);
  return countAnswers(records, judge, baseline, problem === undefined ? {} : { kinds: problem });
};
