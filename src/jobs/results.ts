import * as v from 'valibot';
import { type Answer, truncatedInputsOf } from '../core/answer.ts';
import { S3_KEY_BYTES } from '../core/aws-limits.ts';
import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/request.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import type { ObjectMetadata, ObjectStore } from '../repository/stores/object-store.ts';

/** An object below `uploads/`, as the event of its upload describes it. */
export interface Upload {
  /** The decoded key of the object: `uploads/<model>/<path>`. */
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  /** A hexadecimal number, which orders the events of one key. */
  readonly sequencer: string;
}

/** The content of a result document, without its source. */
export interface ResultBody {
  readonly model?: string;
  readonly version?: number;
  readonly outcome: { readonly result: Answer } | { readonly error: ServingError };
  readonly batchSize: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** The upload that an existing result answers, and the version of the model that answered it. */
export interface KnownResult {
  readonly etag: string;
  readonly sequencer: string;
  /** Undefined for a failure that no version answered. */
  readonly version: number | undefined;
}

const RESULTS_PREFIX = 'results/';
/** Each lost race means that another delivery of the same upload has written its result; such deliveries are few. */
const WRITE_ATTEMPTS = 5;
const MAX_RESULT_BYTES = 64 * 1024 * 1024;

export const resultKeyOf = ({ key }: Upload): string => `${RESULTS_PREFIX}${key.slice(UPLOADS_PREFIX.length)}.json`;

/** Tells whether the key of the result is short enough to be written. */
export const hasResultKey = (upload: Upload): boolean => Buffer.byteLength(resultKeyOf(upload)) <= S3_KEY_BYTES;

/** Compares etags without their quotes, which an event leaves out. */
export const sameEtag = (a: string, b: string): boolean => a.replaceAll('"', '') === b.replaceAll('"', '');

/** Tells whether sequencer `a` is older than `b`; their lengths may differ. */
export const isOlder = (a: string, b: string): boolean => {
  const width = Math.max(a.length, b.length);
  return a.padStart(width, '0').toLowerCase() < b.padStart(width, '0').toLowerCase();
};

/** The metadata of a result, from which the next delivery of its upload learns that it is answered. */
const toMetadata = ({ etag, sequencer }: Upload, version: number | undefined): ObjectMetadata => ({
  'source-etag': etag,
  'source-sequencer': sequencer,
  ...(version !== undefined && { 'model-version': String(version) }),
});

const fromMetadata = (metadata: ObjectMetadata): KnownResult | undefined => {
  const { 'source-etag': etag, 'source-sequencer': sequencer, 'model-version': version } = metadata;
  if (etag === undefined || sequencer === undefined) return undefined;
  return { etag, sequencer, version: version === undefined ? undefined : Number(version) };
};

const resultDocument = v.object({
  source: v.object({ etag: v.string(), sequencer: v.string() }),
  version: v.optional(v.number()),
});

/** Undefined for a document that is no result: it is replaced. */
const fromDocument = (body: Uint8Array): KnownResult | undefined => {
  try {
    const { source, version } = v.parse(resultDocument, JSON.parse(Buffer.from(body).toString('utf8')));
    return { ...source, version };
  } catch {
    return undefined;
  }
};

/** The existing result of an upload, and its etag to replace it; undefined when there is none. */
export type FoundResult = { readonly known: KnownResult | undefined; readonly etag: string } | undefined;

/** Results of version 0.1.0 have no metadata: the document itself names the upload. */
const readWithoutMetadata = async (data: ObjectStore, key: string): Promise<FoundResult> => {
  const object = await unlessMissing(data.read(key, MAX_RESULT_BYTES));
  return object && { known: fromDocument(object.body), etag: object.etag };
};

/** Finds the result of an upload by its metadata. @throws `MODEL_UNAVAILABLE` */
export const readResult = async (data: ObjectStore, upload: Upload): Promise<FoundResult> => {
  const key = resultKeyOf(upload);
  const head = await unlessMissing(data.head(key));
  if (head === undefined) return undefined;
  const known = fromMetadata(head.metadata);
  return known === undefined ? readWithoutMetadata(data, key) : { known, etag: head.etag };
};

/** Tells whether `known` answers a newer upload, or this upload by the same version. */
export const isAnswered = (known: KnownResult | undefined, upload: Upload, version: number | undefined): boolean => {
  if (known === undefined) return false;
  if (isOlder(upload.sequencer, known.sequencer)) return true;
  return version !== undefined && known.version === version && sameEtag(known.etag, upload.etag);
};

const formatDocument = (upload: Upload, { model, version, outcome, batchSize, timingsMs }: ResultBody): string => {
  const failed = 'error' in outcome;
  const truncated = failed ? [] : truncatedInputsOf(outcome.result);
  const head = JSON.stringify({
    status: failed ? 'failed' : 'succeeded',
    source: { key: upload.key, etag: upload.etag, sequencer: upload.sequencer, sizeBytes: upload.sizeBytes },
    model,
    version,
    batchSize,
    timingsMs,
    created: new Date().toISOString(),
    ...(truncated.length > 0 && { truncatedInputs: truncated }),
  });
  const [name, text] = failed
    ? ['error', JSON.stringify({ code: outcome.error.code, message: outcome.error.message })]
    : ['result', toJsonText(outcome.result, { name: model ?? '', version: version ?? 0 })];
  return `${head.slice(0, -1)},"${name}":${text}}`;
};

/**
 * Writes the one document of an upload: creates it, replaces an older one, or leaves a newer one alone.
 * @param found the outcome of a recent `readResult`; it is not repeated unless somebody else has written since
 * @throws `CONFLICT` when others kept writing it; `MODEL_UNAVAILABLE`
 */
export const writeResult = async (
  data: ObjectStore,
  upload: Upload,
  body: ResultBody,
  found?: { readonly result: FoundResult },
): Promise<void> => {
  const document = formatDocument(upload, body);
  for (let attempt = 1; ; attempt += 1) {
    const current = attempt === 1 && found ? found.result : await readResult(data, upload);
    if (isAnswered(current?.known, upload, body.version)) return;
    try {
      await data.write(resultKeyOf(upload), document, {
        condition: current ? { ifMatch: current.etag } : { ifNoneMatch: '*' },
        contentType: 'application/json',
        metadata: toMetadata(upload, body.version),
      });
      return;
    } catch (error) {
      const { code } = ServingError.from(error);
      if (attempt === WRITE_ATTEMPTS || (code !== 'CONFLICT' && code !== 'NOT_FOUND')) throw error;
    }
  }
};
