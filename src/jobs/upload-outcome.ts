import { ERROR_KINDS, ServingError } from '../core/errors.ts';
import type { Serving } from '../serving/serving.ts';
import { type FoundResult, hasResultKey, type ResultBody, type Upload, writeResult } from './results.ts';

/** The end of an upload; `retry` means that it may succeed later. */
export type UploadOutcome =
  | { readonly status: 'done' | 'skipped' }
  | { readonly status: 'retry'; readonly error: ServingError };

export const SKIPPED: UploadOutcome = { status: 'skipped' };

export const retry = (error: unknown): UploadOutcome => ({ status: 'retry', error: ServingError.from(error) });

/** Writes the result. A failure that may pass is left to another delivery. */
export const conclude = async (
  serving: Serving,
  upload: Upload,
  body: ResultBody,
  found?: { readonly result: FoundResult },
): Promise<UploadOutcome> => {
  try {
    if ('error' in body.outcome) {
      const { error } = body.outcome;
      if (error.code === 'CONFLICT') return SKIPPED;
      if (!ERROR_KINDS[error.code].permanent) return retry(error);
    }
    if (hasResultKey(upload)) await writeResult(serving.data, upload, body, found);
    return { status: 'done' };
  } catch (error) {
    return retry(error);
  }
};
