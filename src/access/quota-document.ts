import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import type { ObjectStore, WriteCondition } from '../repository/stores/object-store.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const number = v.pipe(v.number(), v.minValue(0));

const useSchema = v.object({
  formatVersion: v.literal(1),
  /** Requests of the day in all environments. */
  total: count,
  /** Environments that have written lately, by their ids. */
  environments: v.record(v.string(), v.object({ count, perSecond: number, writtenMs: number })),
});
/** The use of a key on one day. */
export type KeyUse = v.InferOutput<typeof useSchema>;

/** A use, and the etag of its object; without one, there is no object yet. */
interface StoredUse {
  readonly use: KeyUse;
  readonly etag: string | undefined;
}

/** Bytes of a use. It names the environments of the last minute alone. */
const MAX_USE_BYTES = 1_048_576;

const useKey = (keyId: string, day: string): string => `quotas/${day}/${keyId}.json`;

/** An object that cannot be read is begun anew. @throws `MODEL_UNAVAILABLE` */
const read = async (data: ObjectStore, key: string): Promise<StoredUse> => {
  const none = { formatVersion: 1, total: 0, environments: {} } as const;
  try {
    const { body, etag } = await data.read(key, MAX_USE_BYTES);
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), useSchema), Buffer.from(body).toString());
    return { use: parsed.success ? parsed.output : none, etag };
  } catch (error) {
    if (ServingError.from(error).code === 'NOT_FOUND') return { use: none, etag: undefined };
    throw error;
  }
};

/**
 * Changes the use of a key by compare-and-swap. `change` sees what is there, and gives undefined to leave it as it is.
 * @throws `CONFLICT` when others always came first; `MODEL_UNAVAILABLE`
 */
export const changeUse = async (
  data: ObjectStore,
  { keyId, day }: { readonly keyId: string; readonly day: string },
  change: (use: KeyUse) => KeyUse | undefined,
): Promise<void> => {
  const key = useKey(keyId, day);
  for (let attempts = 5; ; attempts -= 1) {
    const { use, etag } = await read(data, key);
    const changed = change(use);
    if (changed === undefined) return;
    const condition: WriteCondition = etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag };
    try {
      await data.write(key, JSON.stringify(changed), { condition, contentType: 'application/json' });
      return;
    } catch (error) {
      if (attempts === 1 || ServingError.from(error).code !== 'CONFLICT') throw error;
    }
  }
};
