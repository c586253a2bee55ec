import type { Session } from '../engine/session.ts';
import { type Cache, cutCache, freeCache } from '../generation/causal/cache.ts';
import { decode } from '../generation/causal/decode.ts';
import { ONE_STEP } from '../generation/causal/draft.ts';
import { type DecoderLayout, readLayout } from '../generation/causal/layout.ts';
import type { RecordedRun } from './recorded-runs.ts';

/** Steps that are compared: as many as a run has at most. */
const STEPS = 16;

/** The steps of a decoder in one run, beside the same steps one by one. */
export interface DecodingDifference {
  /** The largest difference of the logits of a step: its root mean square, in standard deviations of the logits. */
  readonly logits: number;
  /** Steps whose draft is not the likeliest token of their own logits. */
  readonly wrongDrafts: number;
}

const SAME: DecodingDifference = { logits: 0, wrongDrafts: 0 };

const tokensOf = ({ feeds }: RecordedRun): number[] => Array.from(feeds.input_ids?.data ?? [], Number);

const meanOf = (length: number, numberAt: (index: number) => number): number => {
  let sum = 0;
  for (let index = 0; index < length; index += 1) sum += numberAt(index);
  return sum / length;
};

/** The root mean square of the difference, in standard deviations of `expected`. Infinite where a number is none. */
const differenceOf = (expected: Float32Array, actual: Float32Array | undefined): number => {
  const at = (values: Float32Array | undefined, index: number): number => values?.[index] ?? Number.NaN;
  const mean = meanOf(expected.length, (index) => at(expected, index));
  const spread = meanOf(expected.length, (index) => (at(expected, index) - mean) ** 2);
  const difference = meanOf(expected.length, (index) => (at(expected, index) - at(actual, index)) ** 2);
  const share = Math.sqrt(difference / (spread || 1));
  return Number.isNaN(share) ? Number.POSITIVE_INFINITY : share;
};

/** The layout of the graph that was recorded and baked; sizes that it leaves open are those of the recorded caches. */
const layoutOf = ({ signature }: Session, { feeds }: RecordedRun): DecoderLayout => {
  const [, heads = 0, , size = 0] = feeds['past_key_values.0.key']?.shape ?? [];
  return readLayout(signature, { heads, size });
};

/** The tokens behind a run, those of before included. */
const lengthBehind = ({ outputs }: RecordedRun): number => outputs['present.0.key']?.shape[2] ?? 0;

/** The cache behind a run, without its last `steps` tokens. */
const cacheBehind = (run: RecordedRun, layout: DecoderLayout, steps: number): Cache => {
  const entries = layout.caches.flatMap(({ past, present }) => {
    const own = run.outputs[present];
    return own === undefined ? [] : [[past, own] as const];
  });
  const length = lengthBehind(run);
  return cutCache({ length, tensors: Object.fromEntries(entries) }, layout, length - steps);
};

/**
 * Runs several steps behind the longest text of `runs` in one run, as they are served, with the cache of the prompt apart where the graph
 * takes it so. Then runs the same tokens step by step, with a cache in one part. A graph of single steps is not run.
 */
export const compareDecoding = async (session: Session, runs: readonly RecordedRun[]): Promise<DecodingDifference> => {
  const prompts = runs.filter((run) => tokensOf(run).length > 1);
  const [prompt] = prompts.toSorted((one, other) => lengthBehind(other) - lengthBehind(one));
  if (prompt === undefined || !session.signature.inputs.some(({ name }) => name === 'steps')) return SAME;
  const layout = layoutOf(session, prompt);
  const ids = tokensOf(prompt);
  const steps = Math.min(STEPS, ids.length - 1);
  const cache = cacheBehind(prompt, layout, steps);
  const first = ids[ids.length - steps] ?? 0;
  const draft = { ...ONE_STEP, steps, uniform: new Array<number>(steps).fill(0) };
  const together = await decode(session, layout, cache, [first], draft);
  const single = { ...layout, takesParts: false };
  let [before, token, logits, wrongDrafts]: [Cache, number, number, number] = [cache, first, 0, 0];
  for (const [step, next] of together.drafts.entries()) {
    const own = together.logits[step];
    const alone = await decode(session, single, before, [token]);
    logits = Math.max(logits, differenceOf(alone.logits[0] ?? new Float32Array(1), own));
    if (own?.[next] !== own?.reduce((most, each) => Math.max(most, each))) wrongDrafts += 1;
    freeCache(before, [cache, alone.cache]);
    [before, token] = [alone.cache, next];
  }
  return together.drafts.length === steps ? { logits, wrongDrafts } : { logits: Number.POSITIVE_INFINITY, wrongDrafts };
};
