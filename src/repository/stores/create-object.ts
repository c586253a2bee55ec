import { randomUUID } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { unlessMissing } from '../model-repository.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Creates an object. Returns false when another one is there, or is being written. A client that tries again after a lost answer meets its own
 * write: a name in the metadata tells it from the write of somebody else.
 * @throws `MODEL_UNAVAILABLE`
 */
export const createObject = async (
  store: ObjectStore,
  key: string,
  body: Uint8Array | string,
  contentType: string,
): Promise<boolean> => {
  const writer = randomUUID();
  try {
    await store.write(key, body, { condition: { ifNoneMatch: '*' }, contentType, metadata: { writer } });
    return true;
  } catch (error) {
    if (ServingError.from(error).code !== 'CONFLICT') throw error;
    return (await unlessMissing(store.head(key)))?.metadata.writer === writer;
  }
};
