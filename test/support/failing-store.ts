import { ServingError } from '../../src/core/errors.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';

/** A store whose client dies at one of its changes: from then on, every change fails. */
export interface FailingStore extends UploadingStore {
  /** Number of changes that were asked for. */
  readonly changes: () => number;
}

/**
 * Change number `failing`, from 1, is the first to fail: `before` it happens, or `after` it, when only the answer is lost.
 */
export const createFailingStore = (store: UploadingStore, failing: number, when: 'before' | 'after'): FailingStore => {
  let changes = 0;
  const died = (): ServingError => new ServingError('MODEL_UNAVAILABLE', 'the process died');
  const change = async <T>(run: () => Promise<T>): Promise<T> => {
    changes += 1;
    if (changes > failing || (changes === failing && when === 'before')) throw died();
    const result = await run();
    if (changes === failing) throw died();
    return result;
  };
  return {
    ...store,
    changes: () => changes,
    write: (...parameters) => change(() => store.write(...parameters)),
    upload: (...parameters) => change(() => store.upload(...parameters)),
    remove: (...parameters) => change(() => store.remove(...parameters)),
  };
};
