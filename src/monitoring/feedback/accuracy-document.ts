import * as v from 'valibot';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import type { DayAccuracy } from './accuracy.ts';

const counts = v.record(v.string(), v.number());
const accuracySchema = v.object({
  ...{ version: v.number(), arm: v.string(), served: v.number(), labelled: v.number(), coverage: v.number() },
  accuracy: v.optional(
    v.object({ value: v.number(), right: v.number(), of: v.number(), low: v.number(), high: v.number() }),
  ),
  macroF1: v.optional(v.number()),
  confusion: v.optional(v.record(v.string(), counts)),
  calibration: v.optional(v.object({ error: v.number(), bins: v.array(counts) })),
  regression: v.optional(v.object({ mae: v.number(), rmse: v.number(), of: v.number() })),
  strangeLabels: v.array(v.string()),
});
const daySchema = v.object({
  ...{ formatVersion: v.literal(1), model: v.string(), day: v.string(), versions: v.array(accuracySchema) },
  unknown: v.object({ count: v.number(), ids: v.array(v.string()) }),
  replaced: v.number(),
  damaged: v.array(v.object({ key: v.string(), problem: v.string() })),
  objects: v.object({ labels: v.number(), captures: v.number() }),
});

const MAX_BYTES = 16 * 1024 * 1024;

/** The document of a day's accuracy. */
export const accuracyKey = (model: string, day: string): string => `monitoring/${model}/${day}/accuracy.json`;

const isAccuracy = (value: unknown): value is DayAccuracy => v.is(daySchema, value);

/** Reads the accuracy of a day; undefined for one that was not scored, and for a damaged document. @throws `MODEL_UNAVAILABLE` */
export const readAccuracy = async (data: ObjectStore, model: string, day: string): Promise<DayAccuracy | undefined> => {
  const object = await unlessMissing(data.read(accuracyKey(model, day), MAX_BYTES));
  if (object === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(object.body).toString('utf8'));
    return isAccuracy(value) ? value : undefined;
  } catch {
    return undefined; // no JSON
  }
};

export const writeAccuracy = async (data: ObjectStore, accuracy: DayAccuracy): Promise<void> => {
  const key = accuracyKey(accuracy.model, accuracy.day);
  await data.write(key, JSON.stringify(accuracy), { contentType: 'application/json' });
};
