import { randomUUID } from 'node:crypto';
import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import { binOf } from '../monitoring/histogram.ts';
import { type ArmCounts, type Bad, hashKey, noCounts, type StepCounts } from '../monitoring/rollouts/step-counts.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { Background } from './background.ts';
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

export interface RolloutCountsOptions {
  readonly data: ObjectStore;
  readonly background: Background;
  readonly warned: (message: string, error: ServingError) => void;
  readonly nowMs: () => number;
}

/** Time between two writes of one environment. */
const FLUSH_MS = 10_000;
/** An object with more keys is continued in a new one, so that none grows without bound. */
const MOST_KEYS = 2_000;
/** A step for which nothing came for so long has ended. */
const FORGET_MS = 3_600_000;

/** The object of a step that this environment writes: whole each time, so that a write that was lost is made up for by the next one. */
interface Counted {
  key: string;
  counts: StepCounts;
  dirty: boolean;
  usedMs: number;
}

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

/** The key that the caller chose for a request; undefined when it has only the id that the gateway gave it. */
const keyOf = ({ key, requestId, gatewayRequestId }: Observation): string | undefined =>
  key === requestId && gatewayRequestId === undefined ? undefined : key;

const countRequest = (
  arm: Mutable<ArmCounts>,
  counts: StepCounts,
  step: CanaryStep,
  observation: Observation,
): void => {
  const { failures, stopwatch, waited } = observation;
  const key = keyOf(observation);
  arm.requests += 1;
  if (failures[0]) addFailure(arm, failures[0], key);
  // The canary's first requests in each environment wait for its load, and are a larger share of its own than of the stable version's.
  if (failures.length > 0 || waited) return;
  const ms = stopwatch.totalMs();
  const bin = binOf(ms);
  counts.latencyMs[bin] = (counts.latencyMs[bin] ?? 0) + 1;
  if (step.slowMs === undefined) return;
  arm.timed += 1;
  if (ms > step.slowMs) addBad(arm.slow, key);
};

/** Uploads are answered in batches of their own, for which nobody waits: they are not timed. */
const countUploads = (arm: Mutable<ArmCounts>, uploads: NonNullable<Observation['uploads']>): void => {
  arm.requests += uploads.length;
  for (const { key, error } of uploads) if (error) addFailure(arm, error, key);
};

/** The objects of this environment, and those that are not written yet. */
const createObjects = ({ data, warned, nowMs }: RolloutCountsOptions) => {
  const environment = randomUUID().slice(0, 8);
  const steps = new Map<string, Counted>();
  let objects = 0;

  const write = async (name: string, counted: Counted): Promise<void> => {
    if (!counted.dirty) {
      if (nowMs() - counted.usedMs > FORGET_MS || name === counted.key) steps.delete(name);
      return;
    }
    counted.dirty = false;
    try {
      await data.write(counted.key, JSON.stringify(counted.counts), { contentType: 'application/json' });
    } catch (error) {
      counted.dirty = true;
      warned('the counts of a canary were not written: the next request tries again', ServingError.from(error));
    }
  };

  return {
    of({ prefix }: CanaryStep): Counted {
      const known = steps.get(prefix);
      if (known && keysIn(known.counts) < MOST_KEYS) return known;
      if (known) steps.set(known.key, known); // its last write may still be missing
      objects += 1;
      const key = `${prefix}${environment}-${objects}.json`;
      const started = { key, counts: noCounts(), dirty: false, usedMs: 0 };
      steps.set(prefix, started);
      return started;
    },
    async write(): Promise<void> {
      await Promise.all([...steps].map(([name, counted]) => write(name, counted)));
    },
  };
};

export const createRolloutCounts = (options: RolloutCountsOptions): RolloutCounts => {
  const { background, nowMs } = options;
  const objects = createObjects(options);
  let flushedMs = Number.NEGATIVE_INFINITY;

  const flush = (): Promise<void> => {
    flushedMs = nowMs();
    return objects.write();
  };
  const count = (step: CanaryStep, add: (counts: StepCounts) => void): void => {
    const counted = objects.of(step);
    add(counted.counts);
    Object.assign(counted, { dirty: true, usedMs: nowMs() });
    if (nowMs() - flushedMs < FLUSH_MS) return;
    flushedMs = nowMs();
    background.defer(flush);
  };

  return {
    flush,
    observe(observation) {
      const { step, holder, uploads } = observation;
      if (step === undefined) return;
      if (step.callers && !(holder !== undefined && step.callers.includes(holder))) return;
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
