import { ServingError } from '../core/errors.ts';
import { captureKey } from '../repository/keys.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { createCaptureBuffer } from './capture-buffer.ts';
import { type CaptureSettings, parseCaptureSettings } from './capture-settings.ts';
import { isSampled } from './prediction-id.ts';
import { type Captured, type CaptureRecord, toRecords } from './record.ts';

export interface CaptureOptions {
  /** Holds the settings. */
  readonly models: ObjectStore;
  /** Takes the records. */
  readonly data: ObjectStore;
  /** Time for which settings are known. */
  readonly ttlMs: number;
  readonly onLost: (model: string, records: number, error: ServingError) => void;
  readonly onFailure: (message: string, error: ServingError) => void;
  readonly nowMs?: () => number;
}

/** A prediction before it is described. */
export interface Candidate {
  readonly ids: readonly string[];
  readonly model: string;
  readonly isFailed: boolean;
  /** Makes the descriptions of the predictions with these ids. */
  readonly describe: (ids: ReadonlySet<string>) => Promise<readonly Captured[]>;
}

export interface Capture {
  /** The work that captures predictions, to be done behind the answer; undefined when the settings are known and ask for none. */
  prepare(candidate: Candidate): (() => Promise<void>) | undefined;
  /** Writes what is still buffered. */
  flush(): Promise<void>;
  /** Writes what is still buffered for the last time: records that are not taken are lost. */
  end(): Promise<void>;
}

/** Settings as they were read; undefined for a model that captures nothing. */
interface Known {
  settings: CaptureSettings | undefined;
  etag: string;
  staleAtMs: number;
}

const MAX_BYTES = 1024 * 1024;

/** Reads settings behind answers, each again when it is stale. */
const createSettings = ({ models, ttlMs, onFailure, nowMs = Date.now }: CaptureOptions) => {
  const known = new Map<string, Known>();
  const reads = new Map<string, Promise<void>>();

  const read = async (model: string): Promise<void> => {
    const before = known.get(model);
    const next: Known = { settings: before?.settings, etag: before?.etag ?? '', staleAtMs: nowMs() + ttlMs };
    try {
      const key = captureKey(model);
      const isThere = before?.settings !== undefined;
      const found = isThere
        ? await models.readChanged(key, before.etag, MAX_BYTES)
        : await unlessMissing(models.read(key, MAX_BYTES));
      if (found) {
        next.settings = parseCaptureSettings(found.body, `${models.location}/${key}`);
        next.etag = found.etag;
      }
    } catch (error) {
      const failure = ServingError.from(error);
      if (failure.code === 'NOT_FOUND') next.settings = undefined;
      else onFailure(`the capture settings of model ${model} could not be read`, failure);
    }
    known.set(model, next);
  };

  return {
    /** Undefined for settings that have to be read. */
    fresh: (model: string): Known | undefined => {
      const found = known.get(model);
      return found && nowMs() < found.staleAtMs ? found : undefined;
    },
    async current(model: string): Promise<CaptureSettings | undefined> {
      const reading = reads.get(model) ?? read(model).finally(() => reads.delete(model));
      reads.set(model, reading);
      await reading;
      return known.get(model)?.settings;
    },
  };
};

/** Captures predictions of the models whose settings ask for it. Nothing of it is awaited by a caller. */
export const createCapture = (options: CaptureOptions): Capture => {
  const { nowMs = Date.now } = options;
  const settingsOf = createSettings(options);
  const buffer = createCaptureBuffer({ ...options, nowMs });

  const chosenOf = ({ ids, isFailed }: Candidate, settings: CaptureSettings | undefined): readonly string[] => {
    if (settings === undefined || settings.share === 0) return [];
    return isFailed || settings.share === 1 ? ids : ids.filter((id) => isSampled(id, settings.share));
  };

  const capture = async (candidate: Candidate, settings: CaptureSettings | undefined): Promise<void> => {
    const chosen = new Set(chosenOf(candidate, settings));
    if (settings === undefined || chosen.size === 0) return;
    const records: CaptureRecord[] = [];
    for (const captured of await candidate.describe(chosen)) records.push(...toRecords(captured, settings));
    await buffer.add(records);
  };

  return {
    prepare(candidate) {
      const known = settingsOf.fresh(candidate.model);
      if (known === undefined) return async () => capture(candidate, await settingsOf.current(candidate.model));
      if (chosenOf(candidate, known.settings).length === 0) return undefined;
      return () => capture(candidate, known.settings);
    },
    flush: buffer.flush,
    end: buffer.end,
  };
};
