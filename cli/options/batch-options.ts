import { ServingError } from '../../src/core/errors.ts';

interface BatchValues {
  readonly chunk?: string;
  readonly 'max-concurrency'?: string;
  readonly 'max-failures'?: string;
}

/** The limits of a run. */
export interface BatchLimits {
  readonly chunk: number;
  readonly maxConcurrency: number;
  /** A share, 0 to 1. */
  readonly maxFailures: number;
}

const [MOST_ELEMENTS, MOST_CHILDREN] = [10_000, 10_000];

const readCount = (name: string, text: string, most: number): number => {
  if (/^[1-9]\d{0,5}$/.test(text) && Number(text) <= most) return Number(text);
  throw new ServingError('INVALID_REQUEST', `--${name} ${text}, expected a number from 1 to ${most}`);
};

const readShare = (text: string): number => {
  const [, percent] = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) <= 100) return Number(percent) / 100;
  throw new ServingError('INVALID_REQUEST', `--max-failures ${text}, expected a percentage, such as 1%`);
};

/** @throws `INVALID_REQUEST` */
export const readBatchLimits = (values: BatchValues): BatchLimits => ({
  chunk: readCount('chunk', values.chunk ?? '200', MOST_ELEMENTS),
  maxConcurrency: readCount('max-concurrency', values['max-concurrency'] ?? '100', MOST_CHILDREN),
  maxFailures: readShare(values['max-failures'] ?? '1%'),
});
