import { ServingError } from '../../core/errors.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { readEach } from '../read-each.ts';
import { addCounts, noCounts, parseCounts, type StepCounts } from './step-counts.ts';

/**
 * Adds the counts of all execution environments for a step.
 * @param prefix the folder of the step
 * @param onBroken told of an object that cannot be read: it is left out
 * @throws `MODEL_UNAVAILABLE` when the store does not answer
 */
export const readCounts = async (
  store: ObjectStore,
  prefix: string,
  onBroken: (key: string, error: ServingError) => void,
): Promise<StepCounts> => {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  let sum = noCounts();
  const take = (text: string, key: string): void => {
    const counts = parseCounts(text);
    if (counts === undefined) throw new ServingError('INVALID_INPUT', `${key} has no counts of a canary`);
    sum = addCounts(sum, counts);
  };
  await readEach(store, keys, take, onBroken);
  return sum;
};
