import { argMax } from '../../core/arg-max.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import type { LogitsProcessor } from '../logits.ts';
import { assertNumber } from '../search.ts';
import { type Cache, freeCache } from './cache.ts';
import { type Decoded, decode } from './decode.ts';
import type { DecoderLayout } from './layout.ts';
import { type LikelyTokens, likelyTokens } from './likely-tokens.ts';
import { candidatesOf, draw, type Sampling } from './sampling.ts';

/** Limits the tokens of an answer, such as to those of a grammar. */
export interface Constraint {
  /** Sets the logits float32[V] of tokens that must not come next to -Infinity. */
  mask(logits: Float32Array): void;
  /** Notes the token that was chosen. */
  accept(id: number): void;
  /** True when nothing may follow the tokens so far. */
  isEnd(): boolean;
}

export interface GenerateOptions {
  readonly graph: Graph;
  readonly layout: DecoderLayout;
  /** At least one token. */
  readonly prompt: readonly number[];
  /** The cache of the first tokens of the prompt, fewer than all. */
  readonly cache: Cache;
  readonly sampling: Sampling;
  /** Run on the logits before a token is chosen. Their `ids` begin with the prompt. */
  readonly processors: readonly LogitsProcessor[];
  readonly constraint?: Constraint;
  readonly maxNewTokens: number;
  /** Any of them ends the answer. */
  readonly eosTokenIds: readonly number[];
  /** Number of the likeliest tokens that are told with each token; left out, no log-probabilities are computed. */
  readonly topTokens?: number;
  /** Numbers from 0 to 1, one for each token that is sampled. */
  readonly random: () => number;
}

/** A token that was chosen. */
export interface GeneratedToken {
  readonly id: number;
  /** By the logits as the graph gave them, before anything changed them. */
  readonly likely: LikelyTokens | undefined;
  /** The reason when it is the last token. */
  readonly end: 'eos_token' | 'length' | undefined;
  /** The cache of all tokens before this one, until the next token is asked for. */
  readonly cache: Cache;
}

const choose = (
  logits: Float32Array,
  ids: readonly number[],
  { processors, constraint, sampling, random }: GenerateOptions,
): number => {
  for (const process of processors) process(logits, ids);
  constraint?.mask(logits);
  const likeliest = argMax(logits);
  const largest = logits[likeliest];
  assertNumber(largest);
  if (largest === Number.NEGATIVE_INFINITY)
    throw new ServingError('INFERENCE_FAILED', 'no token may come next: the request excludes them all');
  return sampling.doSample ? draw(candidatesOf(logits, sampling, largest), random()) : likeliest;
};

/** The error of a run, with the number of tokens that were generated before the deadline. */
const withProgress = (error: unknown, done: number, most: number): unknown =>
  ServingError.from(error).code === 'DEADLINE_EXCEEDED'
    ? new ServingError(
        'DEADLINE_EXCEEDED',
        `the deadline passed after ${done} of up to ${most} tokens; ask for fewer tokens, send less, or give the function more time`,
        { cause: error },
      )
    : error;

/**
 * Continues a prompt token by token. The next run begins when the caller asks for the next token: a caller that returns early cancels the
 * rest. Each run gets the cache that the one before gave, without a copy.
 * @throws `DEADLINE_EXCEEDED` with the number of tokens that were generated, `INFERENCE_FAILED`
 */
export async function* generateTokens(options: GenerateOptions): AsyncGenerator<GeneratedToken, undefined> {
  const { graph, layout, prompt, maxNewTokens, eosTokenIds, constraint, topTokens } = options;
  const ids = [...prompt];
  let { cache } = options;
  for (let done = 1; done <= maxNewTokens; done += 1) {
    const decoded: Decoded = await decode(graph, layout, cache, ids.slice(cache.length)).catch((error: unknown) => {
      throw withProgress(error, done - 1, maxNewTokens);
    });
    const before = cache;
    cache = decoded.cache;
    const { logits } = decoded;
    const describe = topTokens === undefined ? undefined : likelyTokens(logits, topTokens);
    const id = choose(logits, ids, options);
    constraint?.accept(id);
    ids.push(id);
    const isEos = eosTokenIds.includes(id) || constraint?.isEnd() === true;
    const end = isEos ? 'eos_token' : done === maxNewTokens ? 'length' : undefined;
    if (before !== options.cache) freeCache(before); // the caller has kept it until this token came
    yield { id, likely: describe?.(id), end, cache };
    if (isEos) return;
  }
}
