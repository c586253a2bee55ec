import { dayOf } from './prediction-id.ts';

export const CAPTURES_PREFIX = 'captures/';

/** The partition of a model and a day, as Athena finds it. */
export const capturesPrefix = (model: string, day: string): string => `${CAPTURES_PREFIX}model=${model}/day=${day}/`;

/** Two digits, in UTC. */
export const hourOf = (ms: number): string => new Date(ms).toISOString().slice(11, 13);

/** The key of the records of one hour that an environment writes as its `n`-th object. */
export const captureObjectKey = (model: string, ms: number, environment: string, n: number): string =>
  `${capturesPrefix(model, dayOf(ms))}${hourOf(ms)}-${environment}-${n}.jsonl.gz`;
