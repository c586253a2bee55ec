import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { addCounts, noCounts, parseCounts, type StepCounts } from './step-counts.ts';

/** An object holds up to this many bytes of keys; a larger one was written by nobody of ours. */
const MAX_OBJECT_BYTES = 1024 * 1024;
const READERS = 32;

/**
 * Adds the counts of all execution environments for a step.
 * @param prefix the folder of the step
 * @param onBroken told of an object that cannot be read: it is left out
 */
export const readCounts = async (
  store: ObjectStore,
  prefix: string,
  onBroken: (key: string, error: ServingError) => void,
): Promise<StepCounts> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  let sum = noCounts();
  const readNext = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop())
      try {
        const { body } = await store.read(key, MAX_OBJECT_BYTES);
        const counts = parseCounts(Buffer.from(body).toString('utf8'));
        if (counts === undefined) throw new ServingError('INVALID_INPUT', `${key} has no counts of a canary`);
        sum = addCounts(sum, counts);
      } catch (cause) {
        const error = ServingError.from(cause);
        if (error.code === 'MODEL_UNAVAILABLE') throw error;
        onBroken(key, error);
      }
  };
  await Promise.all(Array.from({ length: READERS }, readNext));
  return sum;
};
