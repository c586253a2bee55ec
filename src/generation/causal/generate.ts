import { setImmediate as nextTurn } from 'node:timers/promises';
import { argMax } from '../../core/arg-max.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import type { LogitsProcessor } from '../logits.ts';
import { assertNumber } from '../search.ts';
import { type Cache, cutCache, freeCache } from './cache.ts';
import { type Decoded, decode } from './decode.ts';
import type { Draft } from './draft.ts';
import type { DecoderLayout } from './layout.ts';
import { type LikelyTokens, likelyTokens } from './likely-tokens.ts';
import { createPace } from './pace.ts';
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
  /** A cache that begins with all tokens before this one, until the next token is asked for. */
  readonly cache: Cache;
}

/** Numbers of `random`, in its order. Some are looked at before they are taken. */
const createNumbers = (random: () => number) => {
  const waiting: number[] = [];
  return {
    take: (): number => waiting.shift() ?? random(),
    look(count: number): readonly number[] {
      while (waiting.length < count) waiting.push(random());
      return waiting.slice(0, count);
    },
  };
};
type Numbers = ReturnType<typeof createNumbers>;

const choose = (
  logits: Float32Array,
  ids: readonly number[],
  { processors, constraint, sampling }: GenerateOptions,
  numbers: Numbers,
): number => {
  for (const process of processors) process(logits, ids);
  constraint?.mask(logits);
  const likeliest = argMax(logits);
  const largest = logits[likeliest];
  assertNumber(largest);
  if (largest === Number.NEGATIVE_INFINITY)
    throw new ServingError('INFERENCE_FAILED', 'no token may come next: the request excludes them all');
  return sampling.doSample ? draw(candidatesOf(logits, sampling, largest), numbers.take()) : likeliest;
};

const draftOf = (steps: number, { sampling, eosTokenIds }: GenerateOptions, numbers: Numbers): Draft => ({
  ...{ steps, sampling, lastTokens: eosTokenIds },
  uniform: sampling.doSample ? numbers.look(steps) : new Array<number>(steps).fill(0),
});

/** The error of a run, with the number of tokens that were done before the deadline. */
export const withProgress = (error: unknown, done: number, most: number): unknown =>
  ServingError.from(error).code === 'DEADLINE_EXCEEDED'
    ? new ServingError(
        'DEADLINE_EXCEEDED',
        `the deadline passed after ${done} of up to ${most} tokens; ask for fewer tokens, send less, or give the function more time`,
        { cause: error },
      )
    : error;

/**
 * Continues a prompt token by token. A graph that takes several steps in a run drafts their tokens. Each token is chosen here all the
 * same, by the logits of its step; the steps behind the first draft that is another token are dropped. So the tokens are those of single steps.
 * The next run begins when the caller asks for a token that is not there: a caller that returns early cancels the rest. Each run gets the
 * cache that the one before gave, without a copy, unless steps were dropped.
 * @throws `DEADLINE_EXCEEDED` with the number of tokens that were generated, `INFERENCE_FAILED`
 */
export async function* generateTokens(options: GenerateOptions): AsyncGenerator<GeneratedToken, undefined> {
  const { graph, layout, prompt, maxNewTokens, eosTokenIds, constraint, topTokens } = options;
  const ids = [...prompt];
  const pace = createPace(layout.takesSteps);
  const numbers = createNumbers(options.random);
  /** The cache of the last token, and the one that the next run gets. */
  let [held, cache] = [options.cache, options.cache];
  for (let done = 0; done < maxNewTokens; ) {
    const steps = Math.min(pace.steps, maxNewTokens - done);
    const fed = ids.slice(cache.length);
    const startMs = performance.now();
    const decoded: Decoded = await decode(graph, layout, cache, fed, draftOf(steps, options, numbers)).catch(
      (error: unknown) => {
        throw withProgress(error, done, maxNewTokens);
      },
    );
    const ms = (performance.now() - startMs) / decoded.logits.length;
    let isDraft = true;
    for (const [step, logits] of decoded.logits.entries()) {
      if (!isDraft) break;
      const describe = topTokens === undefined ? undefined : likelyTokens(logits, topTokens);
      const id = choose(logits, ids, options, numbers);
      constraint?.accept(id);
      ids.push(id);
      done += 1;
      const isEos = eosTokenIds.includes(id) || constraint?.isEnd() === true;
      const end = isEos ? 'eos_token' : done === maxNewTokens ? 'length' : undefined;
      // The caller has kept them until this token came.
      if (step === 0) for (const past of new Set([held, cache])) freeCache(past, [options.cache, decoded.cache]);
      held = decoded.cache;
      if (step > 0) await nextTurn(); // a run blocks the thread: what was told so far is sent before
      yield { id, likely: describe?.(id), end, cache: held };
      if (isEos) return;
      isDraft = id === decoded.drafts[step];
    }
    cache = cutCache(held, layout, ids.length - 1);
    pace.note(isDraft, fed.length === 1 ? ms : undefined);
  }
}
