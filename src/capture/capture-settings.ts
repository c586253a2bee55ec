import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { captureKey } from '../repository/keys.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import { changeRouting } from '../repository/routing/change-routing.ts';
import { setCaptured } from '../repository/routing/rollout.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { describeIssue, parseJson } from '../repository/versions/bundle.ts';

/** The part of an input that a record has: figures of it, the input itself too, or nothing. */
export const INPUT_LEVELS = ['features', 'full', 'none'] as const;

const settingsSchema = v.object({
  formatVersion: v.literal(1),
  /** The share of the predictions that are captured, 0 to 1. Predictions that failed are captured unless it is 0. */
  share: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  inputs: v.picklist(INPUT_LEVELS),
  /** Names of columns, of keys of JSON inputs, and of fields of the record that are left out. */
  redact: v.array(v.pipe(v.string(), v.minLength(1))),
  by: v.string(),
  at: v.string(),
});

/** The document `capture.json` of a model, beside its routing. It is changed only by compare-and-swap. */
export type CaptureSettings = v.InferOutput<typeof settingsSchema>;

/** Settings that a change may name. */
export type CaptureChange = Partial<Pick<CaptureSettings, 'share' | 'inputs' | 'redact'>>;

const MAX_BYTES = 1024 * 1024;

/** The settings of a model without the document. */
const OFF = { formatVersion: 1, share: 0, inputs: 'features', redact: [] } as const;

/** @throws `MODEL_INVALID` naming the field */
export const parseCaptureSettings = (bytes: Uint8Array, origin: string): CaptureSettings => {
  const parsed = v.safeParse(settingsSchema, parseJson(bytes, origin));
  if (parsed.success) return parsed.output;
  throw new ServingError(
    'MODEL_INVALID',
    `${origin}: ${describeIssue(parsed.issues)}; delete the object, and ask for the capture again`,
  );
};

/** The settings, and the etag by which they can be replaced; undefined while nothing is captured. */
export const readCaptureSettings = async (
  store: ObjectStore,
  name: string,
): Promise<{ readonly settings: CaptureSettings; readonly etag: string } | undefined> => {
  const object = await unlessMissing(store.read(captureKey(name), MAX_BYTES));
  return (
    object && { settings: parseCaptureSettings(object.body, `${store.location}/${object.key}`), etag: object.etag }
  );
};

const isLostRace = (error: unknown): boolean => ['CONFLICT', 'NOT_FOUND'].includes(ServingError.from(error).code);

/** Writes the settings by compare-and-swap, and returns the new ones. */
const writeSettings = async (
  store: ObjectStore,
  name: string,
  by: string,
  change: CaptureChange,
): Promise<CaptureSettings> => {
  for (;;) {
    const current = await readCaptureSettings(store, name);
    const redact = [...(change.redact ?? current?.settings.redact ?? [])];
    const settings = { ...OFF, ...current?.settings, ...change, redact, by, at: new Date().toISOString() };
    try {
      await store.write(captureKey(name), JSON.stringify(settings, undefined, 2), {
        condition: current === undefined ? { ifNoneMatch: '*' } : { ifMatch: current.etag },
        contentType: 'application/json',
      });
      return settings;
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }
};

/**
 * Changes what is captured: first the settings, then the routing, which tells functions to look for them. Both by compare-and-swap.
 * @throws `NOT_FOUND` for a model without a routing; `MODEL_UNAVAILABLE`, after which the same change can be made again
 */
export const changeCaptureSettings = async (
  repository: ModelRepository,
  name: string,
  by: string,
  change: CaptureChange,
): Promise<CaptureSettings> => {
  await repository.routing(name);
  const settings = await writeSettings(repository.store, name, by, change);
  const isCaptured = settings.share > 0;
  await changeRouting(
    repository,
    name,
    { by, action: isCaptured ? 'capture' : 'capture off' },
    setCaptured(isCaptured),
  );
  return settings;
};
