import { randomUUID } from 'node:crypto';
import { ERROR_KINDS, type ServingError } from '../core/errors.ts';
import { binOf } from '../monitoring/histogram.ts';
import { type ArmCounts, type Bad, hashKey, noCounts, type StepCounts } from '../monitoring/rollouts/step-counts.ts';
import { createGrowingObjects, type GrowingObjectsOptions } from './growing-objects.ts';
import type { CanaryStep } from './router.ts';
import type { Observation } from './telemetry.ts';

/** Counts what the monitor judges an automatic canary by. A model without one is not counted. */
export interface RolloutCounts {
  /** Counts a request that has ended. */
  observe(observation: Observation): void;
  /** Counts answers of the stable version that were compared with those of the canary in its shadow. */
  compare(step: CanaryStep | undefined, compared: number, changed: number): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

/** Time between two writes of one environment. */
const FLUSH_MS = 10_000;
/** An object with more keys is continued in a new one, so that none grows without bound. */
const MOST_KEYS = 2_000;
const MOST_STEPS = 1_000;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const addBad = (bad: Bad, key: string | undefined): void => {
  const mutable: Mutable<Bad> = bad;
  if (key === undefined) mutable.alone += 1;
  else {
    const hashed = hashKey(key);
    if (!bad.keys.includes(hashed)) bad.keys.push(hashed);
  }
};

const keysIn = ({ stable, canary }: StepCounts): number =>
  [stable, canary]
    .flatMap(({ errors, refused, slow }) => [errors, refused, slow])
    .reduce((sum, { keys }) => sum + keys.length, 0);

/** Counts a failure by the party that has to mend it. */
const addFailure = (arm: ArmCounts, { code }: ServingError, key: string | undefined): void =>
  addBad(ERROR_KINDS[code].fault === 'server' ? arm.errors : arm.refused, key);

/** The step of an automatic canary that a request counts for; undefined for none, and for callers that do not count. */
export const countedStep = ({ step, holder }: Observation): CanaryStep | undefined =>
  step?.callers && !(holder !== undefined && step.callers.includes(holder)) ? undefined : step;

/** The key that the caller chose for a request; undefined when it has only the id that the gateway gave it. */
export const callerKey = ({ key, requestId, gatewayRequestId }: Observation): string | undefined =>
  key === requestId && gatewayRequestId === undefined ? undefined : key;

const countRequest = (
  arm: Mutable<ArmCounts>,
  counts: StepCounts,
  step: CanaryStep,
  observation: Observation,
): void => {
  const { failures, stopwatch, waited } = observation;
  const key = callerKey(observation);
  arm.requests += 1;
  if (failures[0]) addFailure(arm, failures[0], key);
  // The canary's first requests in each environment wait for its load, and are a larger share of its own than of the stable version's.
  if (failures.length > 0 || waited) return;
  const ms = stopwatch.totalMs();
  if (step.arm === 'stable') {
    const bin = binOf(ms);
    counts.latencyMs[bin] = (counts.latencyMs[bin] ?? 0) + 1;
  }
  if (step.slowMs === undefined) return;
  arm.timed += 1;
  if (ms > step.slowMs) addBad(arm.slow, key);
};

/** Uploads are answered in batches of their own, for which nobody waits: they are not timed. */
const countUploads = (arm: Mutable<ArmCounts>, uploads: NonNullable<Observation['uploads']>): void => {
  arm.requests += uploads.length;
  for (const { key, error } of uploads) if (error) addFailure(arm, error, key);
};

export const createRolloutCounts = (options: Omit<GrowingObjectsOptions, 'flushMs' | 'label'>): RolloutCounts => {
  const environment = randomUUID().slice(0, 8);
  const label = 'the counts of a canary';
  const objects = createGrowingObjects<StepCounts>({ ...options, flushMs: FLUSH_MS, label });
  const current = new Map<string, { readonly key: string; readonly counts: StepCounts }>();
  let started = 0;

  /** The object of the step, or a new one when it has many keys: none grows without bound. */
  const objectOf = ({ prefix }: CanaryStep): { readonly key: string; readonly counts: StepCounts } => {
    const known = current.get(prefix);
    if (known && keysIn(known.counts) < MOST_KEYS) return known;
    started += 1;
    const object = { key: `${prefix}${environment}-${started}.json`, counts: noCounts() };
    if (current.size >= MOST_STEPS) current.clear(); // most of them have ended
    current.set(prefix, object);
    return object;
  };
  const count = (step: CanaryStep, add: (counts: StepCounts) => void): void => {
    const { key, counts } = objectOf(step);
    objects.change(key, () => counts, add);
  };

  return {
    flush: objects.flush,
    observe(observation) {
      const { uploads } = observation;
      const step = countedStep(observation);
      if (step === undefined) return;
      count(step, (counts) => {
        if (uploads) countUploads(counts[step.arm], uploads);
        else countRequest(counts[step.arm], counts, step, observation);
      });
    },
    compare(step, compared, changed) {
      if (step === undefined) return;
      count(step, (counts) => {
        const mutable: Mutable<StepCounts> = counts;
        mutable.compared += compared;
        mutable.changed += changed;
      });
    },
  };
};
