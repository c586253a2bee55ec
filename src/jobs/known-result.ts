import * as v from 'valibot';
import { unlessMissing } from '../repository/model-repository.ts';
import type { ObjectMetadata, ObjectStore } from '../repository/stores/object-store.ts';
import { isOlder, resultKeyOf, sameEtag, type Upload } from './upload.ts';

/** The upload that an existing result belongs to, and the version of the model that answered it. */
export interface KnownResult {
  readonly etag: string;
  readonly sequencer: string;
  /** Undefined for a failure before a version was chosen. */
  readonly version: number | undefined;
  /** `succeeded`, or the code of the error. */
  readonly outcome: string;
}

export const SUCCEEDED = 'succeeded';

/** Failures that lie in the bytes and the key of an upload: the same version can only repeat them. */
const REPEATED: ReadonlySet<string> = new Set([
  'INVALID_REQUEST',
  'INVALID_INPUT',
  'UNSUPPORTED_MEDIA_TYPE',
  'PAYLOAD_TOO_LARGE',
]);

const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** The metadata of a result, from which the next delivery of its upload learns that it is answered. */
export const toMetadata = ({ etag, sequencer, version, outcome }: KnownResult): ObjectMetadata => ({
  'source-etag': etag,
  'source-sequencer': sequencer,
  outcome,
  ...(version !== undefined && { 'model-version': String(version) }),
});

const fromMetadata = (metadata: ObjectMetadata): KnownResult | undefined => {
  const { 'source-etag': etag, 'source-sequencer': sequencer, 'model-version': version, outcome } = metadata;
  if (etag === undefined || sequencer === undefined || outcome === undefined) return undefined;
  return { etag, sequencer, outcome, version: version === undefined ? undefined : Number(version) };
};

const resultDocument = v.object({
  source: v.object({ etag: v.string(), sequencer: v.string() }),
  version: v.optional(v.number()),
  error: v.optional(v.object({ code: v.string() })),
});

/** Undefined for a document that is no result: it is replaced. */
const fromDocument = (body: Uint8Array): KnownResult | undefined => {
  try {
    const { source, version, error } = v.parse(resultDocument, JSON.parse(Buffer.from(body).toString('utf8')));
    return { ...source, version, outcome: error?.code ?? SUCCEEDED };
  } catch {
    return undefined;
  }
};

/** The existing result of an upload, and its etag to replace it; undefined when there is none. */
export type FoundResult = { readonly known: KnownResult | undefined; readonly etag: string } | undefined;

/** Results of releases up to 0.2.0 lack metadata, or their outcome in it: the document itself tells them. */
const readDocument = async (data: ObjectStore, key: string): Promise<FoundResult> => {
  const object = await unlessMissing(data.read(key, MAX_RESULT_BYTES));
  return object && { known: fromDocument(object.body), etag: object.etag };
};

/** Finds the result of an upload by its metadata. @throws `MODEL_UNAVAILABLE` */
export const readResult = async (data: ObjectStore, upload: Upload): Promise<FoundResult> => {
  const key = resultKeyOf(upload);
  const head = await unlessMissing(data.head(key));
  if (head === undefined) return undefined;
  const known = fromMetadata(head.metadata);
  return known === undefined ? readDocument(data, key) : { known, etag: head.etag };
};

/**
 * Tells whether `known` makes a run needless: it belongs to a newer upload, or the same version has answered these bytes. A failure counts
 * when they must repeat it.
 */
export const isAnswered = (known: KnownResult | undefined, upload: Upload, version: number | undefined): boolean => {
  if (known === undefined) return false;
  if (isOlder(upload.sequencer, known.sequencer)) return true;
  const isEnd = known.outcome === SUCCEEDED || REPEATED.has(known.outcome);
  return isEnd && known.version === version && sameEtag(known.etag, upload.etag);
};

/**
 * Tells whether `known` stays in the place of `next`. A failure leaves the success for the same bytes alone, unless they were uploaded again
 * and their failure lies in them.
 */
export const outlives = (known: KnownResult | undefined, upload: Upload, next: KnownResult): boolean => {
  if (known === undefined) return false;
  if (isAnswered(known, upload, next.version)) return true;
  if (next.outcome === SUCCEEDED || known.outcome !== SUCCEEDED || !sameEtag(known.etag, next.etag)) return false;
  return !(REPEATED.has(next.outcome) && isOlder(known.sequencer, next.sequencer));
};
