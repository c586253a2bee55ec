import { S3_KEY_BYTES } from '../core/aws-limits.ts';
import { UPLOADS_PREFIX } from '../protocol/task-api/object-reference.ts';

/** An object below `uploads/`, as the event of its upload describes it. */
export interface Upload {
  /** The decoded key of the object: `uploads/<model>/<path>`. */
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  /** A hexadecimal number, which orders the events of one key. */
  readonly sequencer: string;
  /** No attempt follows this one: a failure that may pass is written down, too. */
  readonly isLastAttempt: boolean;
}

const RESULTS_PREFIX = 'results/';

export const resultKeyOf = ({ key }: Pick<Upload, 'key'>): string =>
  `${RESULTS_PREFIX}${key.slice(UPLOADS_PREFIX.length)}.json`;

/** The bytes by which the key of the result is too long to be written; 0 or less for one that fits. */
export const excessBytes = (upload: Upload): number => Buffer.byteLength(resultKeyOf(upload)) - S3_KEY_BYTES;

/** Compares etags without their quotes, which an event leaves out. */
export const sameEtag = (a: string, b: string): boolean => a.replaceAll('"', '') === b.replaceAll('"', '');

/** Tells whether sequencer `a` is older than `b`; their lengths may differ. */
export const isOlder = (a: string, b: string): boolean => {
  const width = Math.max(a.length, b.length);
  return a.padStart(width, '0').toLowerCase() < b.padStart(width, '0').toLowerCase();
};
