import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import type { ObjectStore, StoredObject } from '../../repository/stores/object-store.ts';

const amount = v.pipe(v.number(), v.minValue(0));

const spendingSchema = v.object({
  formatVersion: v.literal(1),
  /** US dollars of the month so far. */
  dollars: amount,
  /** The part of the hours before `settledTo`, which are not added up again. */
  settledDollars: amount,
  settledTo: v.pipe(v.string(), v.isoTimestamp()),
});

/** The cost of the requests of a stage in a month. The monitor writes it. */
export type Spending = v.InferOutput<typeof spendingSchema>;

/** Bytes of a document, which has four fields. */
const MAX_BYTES = 65_536;

/** `2026-11`, of a time in UTC. */
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);

/** The first moment of a month, `after` months later. */
export const monthStartMs = (month: string, after = 0): number => {
  const start = new Date(`${month}-01T00:00:00Z`);
  return start.setUTCMonth(start.getUTCMonth() + after);
};

export const spendingKey = (month: string): string => `spending/${month}.json`;

export const noSpending = (month: string): Spending => ({
  ...{ formatVersion: 1, dollars: 0, settledDollars: 0 },
  settledTo: new Date(monthStartMs(month)).toISOString(),
});

/** Undefined for a document of another form. */
const parseSpending = ({ body }: StoredObject): Spending | undefined => {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), spendingSchema), Buffer.from(body).toString('utf8'));
  return parsed.success ? parsed.output : undefined;
};

/** The spending of a month, and the etag of its document; undefined where there is none yet, and for a broken one. @throws `MODEL_UNAVAILABLE` */
export const readSpending = async (
  data: ObjectStore,
  month: string,
  knownEtag = '',
): Promise<{ readonly spending: Spending; readonly etag: string } | 'unchanged' | undefined> => {
  const key = spendingKey(month);
  try {
    const found = await (knownEtag === '' ? data.read(key, MAX_BYTES) : data.readChanged(key, knownEtag, MAX_BYTES));
    if (found === undefined) return 'unchanged';
    const spending = parseSpending(found);
    return spending && { spending, etag: found.etag };
  } catch (error) {
    const failure = ServingError.from(error);
    if (failure.code === 'NOT_FOUND' || failure.code === 'PAYLOAD_TOO_LARGE') return undefined;
    throw failure;
  }
};
