/** A count of occurrences, and the milliseconds that they took together. */
export interface Duration {
  readonly count: number;
  readonly ms: number;
}

/** The answers and failures of a version since the process began. `queue` is the wait for the version and its load. */
export interface VersionStatistics extends Readonly<Record<'success' | 'fail', Duration>> {
  readonly version: number;
  /** Milliseconds since 1970; 0 before the first answer. */
  readonly lastAnswerMs: number;
  /** Requests that were answered; the uploads of a batch count one by one. */
  readonly answers: number;
  /** Requests, and batches of uploads, with at least one answer. */
  readonly runs: number;
  readonly parts: Readonly<Record<'queue' | 'input' | 'infer' | 'output', Duration>>;
}

const toNanoseconds = ({ count, ms }: Duration) => ({ count, ns: Math.round(ms * 1_000_000) });

const NEVER_HAPPENED = { count: 0, ns: 0 };

/**
 * The entry of a version in the answer to `GET /v2/models/{name}/stats`. There is no cache of answers.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
 */
export const formatStatistics = (
  name: string,
  { version, lastAnswerMs, answers, runs, success, fail, parts }: VersionStatistics,
) => ({
  name,
  version: String(version),
  last_inference: lastAnswerMs,
  inference_count: answers,
  execution_count: runs,
  inference_stats: {
    success: toNanoseconds(success),
    fail: toNanoseconds(fail),
    queue: toNanoseconds(parts.queue),
    compute_input: toNanoseconds(parts.input),
    compute_infer: toNanoseconds(parts.infer),
    compute_output: toNanoseconds(parts.output),
    cache_hit: NEVER_HAPPENED,
    cache_miss: NEVER_HAPPENED,
  },
  batch_stats: [],
});
