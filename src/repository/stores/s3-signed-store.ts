import { once } from '../../core/once.ts';
import { createDeferredStore } from './deferred-store.ts';
import type { ObjectStore } from './object-store.ts';
import { FUNCTION_PATIENCE } from './s3-patience.ts';
import type { PlainBucket } from './s3-plain-bucket.ts';
import { createS3Reader } from './s3-reader.ts';
import type { Requests } from './s3-requests.ts';
import { createSignedRequests } from './s3-signed-requests.ts';

/** A bucket by the SDK. */
export interface SdkBucket {
  readonly store: ObjectStore;
  readonly requests: Requests;
}

/**
 * The objects of a bucket, which are read without the SDK as long as all is plain.
 * @param open opens the SDK; it is called once, when something else is first needed
 */
export const createSignedS3Store = (
  bucket: PlainBucket,
  name: string,
  open: () => Promise<SdkBucket>,
  patience = FUNCTION_PATIENCE,
): ObjectStore => {
  const sdk = once(open);
  const requests = createSignedRequests(bucket, patience.silenceMs, async () => (await sdk()).requests);
  return {
    ...createDeferredStore(`s3://${name}`, async () => (await sdk()).store),
    ...createS3Reader(name, { requests, patience }),
  };
};
