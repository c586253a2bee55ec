import { ERROR_KINDS, PUBLIC_MESSAGE, ServingError } from '../core/errors.ts';
import type { Serving } from '../serving/serving.ts';
import type { FoundResult } from './known-result.ts';
import { type ResultBody, writeResult } from './results.ts';
import { excessBytes, type Upload } from './upload.ts';

/** The end of an upload; `retry` means that it may succeed later. */
export type UploadOutcome =
  | { readonly status: 'done' | 'skipped' }
  | { readonly status: 'retry'; readonly error: ServingError };

export const SKIPPED: UploadOutcome = { status: 'skipped' };

const retry = (error: unknown): UploadOutcome => ({ status: 'retry', error: ServingError.from(error) });

/** The error of a result document after the last attempt. The log has the cause. */
const lastFailure = (error: ServingError, requestId: string): ServingError => {
  const reason = PUBLIC_MESSAGE[error.code] ?? error.message;
  const remedy = `upload the object again. The log names the cause under request ${requestId}`;
  return new ServingError(error.code, `${reason}; this was the last attempt: ${remedy}`, { cause: error });
};

/** The circumstances in which an upload ends. */
interface Conclusion {
  readonly requestId: string;
  /** A recent look at the result; without it, the look is taken now. */
  readonly found?: { readonly result: FoundResult } | undefined;
}

/** Writes the result. A failure that may pass is left to another delivery; after the last attempt, it is written. */
export const conclude = async (
  serving: Serving,
  upload: Upload,
  body: ResultBody,
  { requestId, found }: Conclusion,
): Promise<UploadOutcome> => {
  const error = 'error' in body.outcome ? body.outcome.error : undefined;
  const passing = error && !ERROR_KINDS[error.code].permanent ? error : undefined;
  if (passing && !upload.isLastAttempt) return retry(passing);
  const written = passing ? { ...body, outcome: { error: lastFailure(passing, requestId) } } : body;
  try {
    if (excessBytes(upload) <= 0) await writeResult(serving.data, upload, written, found);
    return passing ? retry(passing) : { status: 'done' };
  } catch (cause) {
    return retry(passing ?? cause);
  }
};
