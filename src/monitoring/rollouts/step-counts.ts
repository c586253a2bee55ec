import { hash } from 'node:crypto';
import * as v from 'valibot';
import { addHistogram, histogramSchema } from '../histogram.ts';

/** The version that answers a request while an automatic canary takes its share. */
export type Arm = 'stable' | 'canary';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Bad events by routing key: a caller whose requests all fail counts once. */
const badSchema = v.object({
  /** Events of requests without a key of their caller: each has its own. */
  alone: count,
  /** Hashes of the callers' keys, each of them once. */
  keys: v.array(v.string()),
});
export type Bad = v.InferOutput<typeof badSchema>;

const armSchema = v.object({
  requests: count,
  /** Requests that were compared with the limit of slow ones. */
  timed: count,
  errors: badSchema,
  refused: badSchema,
  slow: badSchema,
});
export type ArmCounts = v.InferOutput<typeof armSchema>;

const stepCountsSchema = v.object({
  formatVersion: v.literal(1),
  stable: armSchema,
  canary: armSchema,
  /** Milliseconds of the stable version's requests that were answered by a model in memory. */
  latencyMs: histogramSchema,
  /** Answers of the stable version that were compared with the canary's, and those that differ. */
  compared: count,
  changed: count,
});

/**
 * The counts of a step of an automatic canary. An execution environment writes its own, which only grow. All of them are added: counts by
 * numbers, keys by their union.
 */
export type StepCounts = v.InferOutput<typeof stepCountsSchema>;

/** Hexadecimal digits: two of a million keys have the same ones by chance, which counts them as one. */
const HASH_LENGTH = 10;

export const hashKey = (key: string): string => hash('sha256', key).slice(0, HASH_LENGTH);

const noBad = (): Bad => ({ alone: 0, keys: [] });
const noArm = (): ArmCounts => ({ requests: 0, timed: 0, errors: noBad(), refused: noBad(), slow: noBad() });

export const noCounts = (): StepCounts => ({
  ...{ formatVersion: 1, stable: noArm(), canary: noArm() },
  ...{ latencyMs: {}, compared: 0, changed: 0 },
});

const addBad = (one: Bad, more: Bad): Bad => ({
  alone: one.alone + more.alone,
  keys: [...new Set([...one.keys, ...more.keys])],
});

const addArm = (one: ArmCounts, more: ArmCounts): ArmCounts => ({
  requests: one.requests + more.requests,
  timed: one.timed + more.timed,
  errors: addBad(one.errors, more.errors),
  refused: addBad(one.refused, more.refused),
  slow: addBad(one.slow, more.slow),
});

export const addCounts = (one: StepCounts, more: StepCounts): StepCounts => {
  const latencyMs = { ...one.latencyMs };
  addHistogram(latencyMs, more.latencyMs);
  return {
    formatVersion: 1,
    stable: addArm(one.stable, more.stable),
    canary: addArm(one.canary, more.canary),
    latencyMs,
    compared: one.compared + more.compared,
    changed: one.changed + more.changed,
  };
};

export const badEvents = ({ alone, keys }: Bad): number => alone + keys.length;

/** Undefined for a document of another form. */
export const parseCounts = (text: string): StepCounts | undefined => {
  try {
    const parsed = v.safeParse(stepCountsSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
};
