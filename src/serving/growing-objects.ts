import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import type { Background } from './background.ts';

/** Objects of one environment that only grow. Each is written whole, so that a write that was lost is made up for by the next one. */
export interface GrowingObjects<Content> {
  /** Changes the object `key`, which begins as `start()`. It is written after the answer that is on its way. */
  change(key: string, start: () => Content, change: (content: Content) => void): void;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
}

export interface GrowingObjectsOptions {
  readonly data: ObjectStore;
  readonly background: Background;
  readonly warned: (message: string, error: ServingError) => void;
  readonly nowMs: () => number;
  /** Least time between two writes. */
  readonly flushMs: number;
  /** The objects in the words of the log, such as `the counts of a canary`. */
  readonly label: string;
}

/** An object that nobody has changed for so long has its last form. */
const FORGET_MS = 3_600_000;

interface Growing<Content> {
  readonly content: Content;
  dirty: boolean;
  /** A write is under way: a second one could arrive before it, and be overwritten. */
  writing: boolean;
  changedMs: number;
}

export const createGrowingObjects = <Content>(options: GrowingObjectsOptions): GrowingObjects<Content> => {
  const { data, background, warned, nowMs, flushMs, label } = options;
  const objects = new Map<string, Growing<Content>>();
  let flushedMs = Number.NEGATIVE_INFINITY;

  const write = async (key: string, object: Growing<Content>): Promise<void> => {
    if (object.writing) return; // the next flush writes what has changed since
    if (!object.dirty) {
      if (nowMs() - object.changedMs > FORGET_MS) objects.delete(key);
      return;
    }
    Object.assign(object, { dirty: false, writing: true });
    try {
      await data.write(key, JSON.stringify(object.content), { contentType: 'application/json' });
    } catch (error) {
      object.dirty = true;
      warned(`${label} were not written: the next request tries again`, ServingError.from(error));
    } finally {
      object.writing = false;
    }
  };
  const flush = async (): Promise<void> => {
    flushedMs = nowMs();
    await Promise.all([...objects].map(([key, object]) => write(key, object)));
  };

  return {
    flush,
    change(key, start, change) {
      const object = objects.get(key) ?? { content: start(), dirty: true, writing: false, changedMs: 0 };
      objects.set(key, object);
      change(object.content);
      Object.assign(object, { dirty: true, changedMs: nowMs() });
      const sinceMs = nowMs() - flushedMs;
      if (sinceMs >= 0 && sinceMs < flushMs) return; // below 0, the clock was set back
      flushedMs = nowMs();
      background.defer(flush);
    },
  };
};
