import { type Answer, truncatedInputsOf } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/request.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';

/** One object that was put below `uploads/`. */
export interface Upload {
  /** As the object is called, decoded: `uploads/<model>/<path>`. */
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  /** Orders the events of one key: a hexadecimal number. */
  readonly sequencer: string;
}

/** What a result document says besides its source. */
export interface ResultBody {
  readonly model?: string;
  readonly version?: number;
  readonly outcome: { readonly result: Answer } | { readonly error: ServingError };
  readonly batchSize: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** The result document that lies beside an upload, as far as it decides what to do. */
export interface KnownResult {
  readonly source: { readonly etag: string; readonly sequencer: string };
  readonly version?: number;
}

const RESULTS_PREFIX = 'results/';
/** Each lost race means that another delivery of the same upload has written; there are few of those. */
const WRITE_ATTEMPTS = 5;
const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** Of S3. */
const LONGEST_KEY_BYTES = 1024;

export const resultKeyOf = ({ key }: Upload): string => `${RESULTS_PREFIX}${key.slice(UPLOADS_PREFIX.length)}.json`;

/** Whether the name of the result is not too long to be written. */
export const hasResultKey = (upload: Upload): boolean => Buffer.byteLength(resultKeyOf(upload)) <= LONGEST_KEY_BYTES;

/** Quotes belong to an ETag header, and are missing in an event. */
export const sameEtag = (a: string, b: string): boolean => a.replaceAll('"', '') === b.replaceAll('"', '');

/** Compares sequencers, which may differ in length. */
export const isOlder = (a: string, b: string): boolean => {
  const width = Math.max(a.length, b.length);
  return a.padStart(width, '0').toLowerCase() < b.padStart(width, '0').toLowerCase();
};

const parseKnown = (body: Uint8Array): KnownResult | undefined => {
  try {
    const document = JSON.parse(Buffer.from(body).toString('utf8')) as Partial<KnownResult>;
    const { etag, sequencer } = document.source ?? {};
    return typeof etag === 'string' && typeof sequencer === 'string' ? (document as KnownResult) : undefined;
  } catch {
    return undefined; // not a result of ours: replaced
  }
};

/** The result that lies beside an upload, and its etag to replace it; undefined when there is none. */
export type FoundResult = { readonly known: KnownResult | undefined; readonly etag: string } | undefined;

/** @throws `MODEL_UNAVAILABLE` */
export const readResult = async (data: ObjectStore, upload: Upload): Promise<FoundResult> => {
  const object = await unlessMissing(data.read(resultKeyOf(upload), MAX_RESULT_BYTES));
  return object && { known: parseKnown(object.body), etag: object.etag };
};

/** Whether `known` answers a newer upload, or this one by the same version. */
export const isAnswered = (known: KnownResult | undefined, upload: Upload, version: number | undefined): boolean => {
  if (known === undefined) return false;
  if (isOlder(upload.sequencer, known.source.sequencer)) return true;
  return version !== undefined && known.version === version && sameEtag(known.source.etag, upload.etag);
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
 * Writes the one document of an upload: creates it, or replaces an older one, and leaves a newer one alone.
 * @param found what `readResult` found a moment ago, which is not read again unless somebody else has written since
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
      });
      return;
    } catch (error) {
      const { code } = ServingError.from(error);
      if (attempt === WRITE_ATTEMPTS || (code !== 'CONFLICT' && code !== 'NOT_FOUND')) throw error;
    }
  }
};
