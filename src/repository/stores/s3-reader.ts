import { ServingError } from '../../core/errors.ts';
import { messageOf } from '../../core/message-of.ts';
import { missingObject, type ObjectStore, replacedObject } from './object-store.ts';
import { createBlockReader } from './s3-blocks.ts';
import { statusOf } from './s3-patience.ts';
import { headObject, type ReadBucket, readChanged, readObject, readRange } from './s3-read.ts';
import { isRefusal } from './s3-requests.ts';

const NOT_FOUND = new Set(['NoSuchKey', 'NotFound']);
/** S3 answers 412 and, to two conditional writes at the same moment, 409. */
const CONFLICT = new Set(['PreconditionFailed', 'ConditionalRequestConflict']);

const describe = (error: unknown, name: string): string => {
  const status = statusOf(error);
  const [reason = ''] = messageOf(error).split('\n', 1);
  if (status === 0) return `${name}: ${reason}`;
  if (!isRefusal(error)) return `the answer with the status ${status} is not of S3, but perhaps of a proxy: ${reason}`;
  return name === 'Unknown' ? `S3 answered with the status ${status} alone` : `${name} (${status}): ${reason}`;
};

/** Translates an error of S3 about the object `key` of the store at `location`. */
export const toServingError = (error: unknown, location: string, key: string): ServingError => {
  if (error instanceof ServingError) return error;
  const name = error instanceof Error ? error.name : String(error);
  if (NOT_FOUND.has(name)) return missingObject(location, key, error);
  if (CONFLICT.has(name)) return replacedObject(location, key, error);
  return new ServingError('MODEL_UNAVAILABLE', `${location}/${key}: ${describe(error, name)}`, { cause: error });
};

/** Waits for `send`, and translates its error. */
export const attempt = async <T>(location: string, key: string, send: () => Promise<T>): Promise<T> => {
  try {
    return await send();
  } catch (error) {
    throw toServingError(error, location, key);
  }
};

const attemptEach = async function* (
  location: string,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw toServingError(error, location, key);
  }
};

/** The methods of a store that read objects. */
export type ObjectReader = Pick<ObjectStore, 'location' | 'head' | 'read' | 'readChanged' | 'readRange' | 'readBlocks'>;

/** Reads the objects of the bucket `name`, however its requests are sent. */
export const createS3Reader = (name: string, bucket: ReadBucket): ObjectReader => {
  const location = `s3://${name}`;
  const readBlocks = createBlockReader(bucket);
  return {
    location,
    head: (key) => attempt(location, key, () => headObject(bucket, key)),
    read: (key, maxBytes) => attempt(location, key, () => readObject(bucket, { key }, maxBytes)),
    readChanged: (key, etag, maxBytes) => attempt(location, key, () => readChanged(bucket, key, etag, maxBytes)),
    readRange: (key, start, end, etag) => attemptEach(location, key, readRange(bucket, key, start, end, etag)),
    readBlocks: (key, start, end) => attemptEach(location, key, readBlocks(key, start, end)),
  };
};
