import * as v from 'valibot';
import { hourOf } from '../../capture/keys.ts';
import { dayOf } from '../../capture/prediction-id.ts';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { parseJson } from '../../repository/versions/bundle.ts';
import { countsSchema } from './histogram.ts';
import type { Judgement } from './judge.ts';

const versionSchema = v.object({
  samples: v.number(),
  errors: v.number(),
  /** The time of the baseline whose bins these are; missing for a version without a baseline. */
  baseline: v.optional(v.string()),
  counts: v.record(v.string(), countsSchema),
});
const hourSchema = v.object({
  formatVersion: v.literal(1),
  model: v.string(),
  day: v.string(),
  hour: v.string(),
  /** Objects that were read, by which a later look finds out that there are more. */
  objects: v.number(),
  damaged: v.array(v.object({ key: v.string(), problem: v.string() })),
  versions: v.record(v.string(), v.looseObject(versionSchema.entries)),
});

/** The histograms of a version in an hour. */
export type CountedVersion = v.InferOutput<typeof versionSchema>;

/** The histograms of a version in an hour, and the judgement of the last hours that have enough samples. */
export interface VersionHour extends CountedVersion {
  /** Hours that were judged together, 24 at most. */
  readonly hours: number;
  readonly judgement: Judgement | undefined;
}

/** `monitoring/<model>/<day>/<hour>.json`. */
export interface ModelHour extends Omit<v.InferOutput<typeof hourSchema>, 'versions'> {
  readonly versions: Readonly<Record<string, VersionHour>>;
}

/** A document as it was stored; `hour` is undefined when it is damaged. */
interface StoredHour {
  readonly hour: v.InferOutput<typeof hourSchema> | undefined;
  readonly etag: string;
}

const MAX_BYTES = 16 * 1024 * 1024;

const keyOf = (model: string, ms: number): string => `monitoring/${model}/${dayOf(ms)}/${hourOf(ms)}.json`;

const parseHour = (bytes: Uint8Array, key: string): StoredHour['hour'] => {
  try {
    const parsed = v.safeParse(hourSchema, parseJson(bytes, key));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // no JSON
  }
};

/** Reads the document of an hour; undefined when there is none. @throws `MODEL_UNAVAILABLE` */
export const readHour = async (data: ObjectStore, model: string, ms: number): Promise<StoredHour | undefined> => {
  const key = keyOf(model, ms);
  const object = await unlessMissing(data.read(key, MAX_BYTES));
  return object && { hour: parseHour(object.body, key), etag: object.etag };
};

/** Writes the document of an hour in the place of `known`. @returns false when another monitor was first */
export const writeHour = async (
  data: ObjectStore,
  ms: number,
  judged: ModelHour,
  known: StoredHour | undefined,
): Promise<boolean> => {
  try {
    await data.write(keyOf(judged.model, ms), JSON.stringify(judged), {
      condition: known === undefined ? { ifNoneMatch: '*' } : { ifMatch: known.etag },
      contentType: 'application/json',
    });
    return true;
  } catch (error) {
    if (ServingError.from(error).code === 'CONFLICT') return false;
    throw error;
  }
};
