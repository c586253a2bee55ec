import type { Graph } from '../../core/graph.ts';
import { type Cache, emptyCache, freeCache } from './cache.ts';
import { decode } from './decode.ts';
import { withProgress } from './generate.ts';
import type { DecoderLayout } from './layout.ts';
import { likelyTokens } from './likely-tokens.ts';

/** A text as the model sees it. */
export interface ScoredTokens {
  /** Log-probabilities of the tokens after the first, each behind those before it. */
  readonly logProbabilities: readonly number[];
  /** The cache of all tokens but the last. */
  readonly cache: Cache;
}

/**
 * Scores the tokens of a text, one in each run: graphs of any kind give the logits of the last token.
 * @throws `DEADLINE_EXCEEDED` with the number of tokens that were scored, `INFERENCE_FAILED`
 */
export const scoreTokens = async (
  graph: Graph,
  layout: DecoderLayout,
  ids: readonly number[],
): Promise<ScoredTokens> => {
  const logProbabilities: number[] = [];
  let cache = emptyCache(layout);
  for (const [index, next] of ids.slice(1).entries()) {
    const { logits, cache: longer } = await decode(graph, layout, cache, ids.slice(index, index + 1)).catch(
      (error: unknown) => {
        throw withProgress(error, index, ids.length);
      },
    );
    freeCache(cache, [longer]);
    cache = longer;
    const [own = new Float32Array(0)] = logits;
    logProbabilities.push(likelyTokens(own, 0)(next).logProbability);
  }
  return { logProbabilities, cache };
};
