import { ServingError } from '../core/errors.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';

/** The objects that environments write are small; a larger one was written by nobody of ours. */
const MAX_OBJECT_BYTES = 1024 * 1024;
const READERS = 32;

/**
 * Reads objects of text side by side, in no particular order.
 * @param take throws for a text of another form
 * @param onBroken told of an object that is missing, or that `take` does not take: it is left out
 * @throws `MODEL_UNAVAILABLE` when the store does not answer
 */
export const readEach = async (
  store: ObjectStore,
  keys: readonly string[],
  take: (text: string, key: string) => void,
  onBroken: (key: string, error: ServingError) => void,
): Promise<void> => {
  const left = [...keys];
  const readNext = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop())
      try {
        const { body } = await store.read(key, MAX_OBJECT_BYTES);
        take(Buffer.from(body).toString('utf8'), key);
      } catch (cause) {
        const error = ServingError.from(cause);
        if (error.code === 'MODEL_UNAVAILABLE') throw error;
        onBroken(key, error);
      }
  };
  await Promise.all(Array.from({ length: READERS }, readNext));
};
