import { type Answer, truncatedInputsOf } from '../core/answer.ts';
import { ServingError } from '../core/errors.ts';
import { toJsonText } from '../protocol/task-api/encode.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { type FoundResult, type KnownResult, outlives, readResult, SUCCEEDED, toMetadata } from './known-result.ts';
import { resultKeyOf, type Upload } from './upload.ts';

/** The content of a result document, without its source. */
export interface ResultBody {
  readonly model?: string;
  readonly version?: number;
  /** The id of the prediction, for feedback. */
  readonly predictionId?: string | undefined;
  readonly outcome: { readonly result: Answer } | { readonly error: ServingError };
  readonly batchSize: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Each lost race means that another delivery of the same upload has written its result; such deliveries are few. */
const WRITE_ATTEMPTS = 5;

const formatDocument = (
  upload: Upload,
  { model, version, predictionId, outcome, batchSize, timingsMs }: ResultBody,
): string => {
  const failed = 'error' in outcome;
  const truncated = failed ? [] : truncatedInputsOf(outcome.result);
  const head = JSON.stringify({
    status: failed ? 'failed' : 'succeeded',
    source: { key: upload.key, etag: upload.etag, sequencer: upload.sequencer, sizeBytes: upload.sizeBytes },
    model,
    version,
    predictionId,
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

const toKnown = ({ etag, sequencer }: Upload, { version, outcome }: ResultBody): KnownResult => ({
  etag,
  sequencer,
  version,
  outcome: 'error' in outcome ? outcome.error.code : SUCCEEDED,
});

/**
 * Writes the one document of an upload: creates it, replaces an older one, or leaves a better one alone.
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
  const next = toKnown(upload, body);
  for (let attempt = 1; ; attempt += 1) {
    const current = attempt === 1 && found ? found.result : await readResult(data, upload);
    if (outlives(current?.known, upload, next)) return;
    try {
      await data.write(resultKeyOf(upload), document, {
        condition: current ? { ifMatch: current.etag } : { ifNoneMatch: '*' },
        contentType: 'application/json',
        metadata: toMetadata(next),
      });
      return;
    } catch (error) {
      const { code } = ServingError.from(error);
      if (attempt === WRITE_ATTEMPTS || (code !== 'CONFLICT' && code !== 'NOT_FOUND')) throw error;
    }
  }
};
