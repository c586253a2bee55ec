import { type Damaged, eachCapture } from '../../capture/read-captures.ts';
import type { CaptureRecord } from '../../capture/record.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';

/** Records and objects that are remembered for the next look, a minute later: objects never change once they are written. */
const MOST_REMEMBERED = 100_000;

interface Memory {
  readonly objects: Map<string, readonly CaptureRecord[]>;
  /** Records, and objects, some of which have none that counts. */
  size: number;
}

const sizeOf = (records: readonly CaptureRecord[]): number => records.length + 1;

const memories = new WeakMap<ObjectStore, Memory>();

const memoryOf = (data: ObjectStore): Memory => {
  const memory = memories.get(data) ?? { objects: new Map(), size: 0 };
  memories.set(data, memory);
  return memory;
};

/** Remembers the records of an object, in the place of those that were read first. */
const remember = (memory: Memory, key: string, records: readonly CaptureRecord[]): void => {
  memory.objects.set(key, records);
  memory.size += sizeOf(records);
  for (const [oldest, forgotten] of memory.objects) {
    if (memory.size <= MOST_REMEMBERED) return;
    memory.objects.delete(oldest);
    memory.size -= sizeOf(forgotten);
  }
};

/** Answers that count for a canary, without what is known of their inputs: those of a wide table would not fit into memory. */
const countedOf = (records: readonly CaptureRecord[]): CaptureRecord[] =>
  records
    .filter(({ status, unit }) => status === 'ok' && unit !== undefined)
    .map(({ features: _features, type: _type, sha256: _sha256, input_omitted: _omitted, ...record }) => record);

/**
 * Reads the records that count for canaries; an object that the process has read before is not read again.
 * @returns the damaged objects, which are left out
 * @throws `MODEL_UNAVAILABLE`
 */
export const eachCounted = async (
  data: ObjectStore,
  keys: readonly string[],
  take: (records: readonly CaptureRecord[]) => void,
): Promise<Damaged[]> => {
  const memory = memoryOf(data);
  const unread: string[] = [];
  for (const key of keys) {
    const known = memory.objects.get(key);
    if (known === undefined) unread.push(key);
    else take(known);
  }
  return eachCapture(data, unread, (records, key) => {
    const counted = countedOf(records);
    remember(memory, key, counted);
    take(counted);
  });
};
