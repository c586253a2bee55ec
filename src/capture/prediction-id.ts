import { hash, randomUUID } from 'node:crypto';
import { isModelName } from '../repository/keys.ts';

/** The facts that the id of a prediction tells. */
export interface PredictionId {
  /** The day of the prediction in UTC: `2026-11-25`. */
  readonly day: string;
  readonly model: string;
  /** The version that answered the caller. */
  readonly version: number;
}

const DAY_MS = 86_400_000;
const ID = /^(\d{4})(\d{2})(\d{2})-([1-9]\d{0,8})-[0-9a-f]{32}-(.+)$/;

/** The day of a time, in UTC: `2026-11-25`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The last day for which an id was made, as digits: a request has no time for dates. */
const createDayDigits = () => {
  let [from, digits] = [Number.NaN, ''];
  return (ms: number): string => {
    const start = ms - (ms % DAY_MS);
    if (start !== from) [from, digits] = [start, dayOf(ms).replaceAll('-', '')];
    return digits;
  };
};

const dayDigits = createDayDigits();

/** A new id, `20261125-3-<32 hexadecimal digits>-sentiment`: it names the day, the version and the model that answered. */
export const createPredictionId = (model: string, version: number, nowMs: number): string =>
  `${dayDigits(nowMs)}-${version}-${randomUUID().replaceAll('-', '')}-${model}`;

/** Undefined for a text that is no id of a prediction. */
export const parsePredictionId = (text: string): PredictionId | undefined => {
  const [, year, month, date, version, model = ''] = ID.exec(text) ?? [];
  const day = `${year}-${month}-${date}`;
  const startMs = Date.parse(day);
  if (Number.isNaN(startMs) || dayOf(startMs) !== day || !isModelName(model)) return undefined;
  return { day, model, version: Number(version) };
};

/** Tells whether a share of all ids, 0 to 1, contains this one: the same in every process, and for the shadow. */
export const isSampled = (id: string, share: number): boolean =>
  Number.parseInt(hash('sha256', `capture:${id}`).slice(0, 8), 16) / 2 ** 32 < share;
