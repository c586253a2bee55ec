import { ServingError } from '../core/errors.ts';
import type { LogitsProcessor } from './logits.ts';

/** A sequence of tokens that the decoder continues. */
export interface Hypothesis {
  /** Tokens, the prompt first; all but the last one have been fed to the decoder. */
  readonly ids: readonly number[];
  /** Row of the decoder that holds them. */
  readonly row: number;
}

export interface ScoredHypothesis extends Hypothesis {
  /** Logits float32[V] of the next token, which the search may change. */
  readonly logits: Float32Array;
}

export interface Generated {
  /** Generated tokens, without the prompt and the end-of-sequence token. */
  readonly ids: readonly number[];
  /** Score of a beam search: the sum of the log-probabilities, divided by their number to the power of `lengthPenalty`. */
  readonly score?: number;
}

/** The search for the best continuation of one prompt. */
export interface Search {
  /** Extends hypotheses by a token. @returns hypotheses to continue with; none at the end of the search */
  advance(hypotheses: readonly ScoredHypothesis[]): readonly Hypothesis[];
  /** Generated tokens that no later step changes: all tokens in greedy search, none before the end in beam search. */
  settled(): readonly number[];
  /** The best hypothesis so far. */
  result(): Generated;
}

export interface SearchOptions {
  readonly promptLength: number;
  /** Most tokens of a hypothesis, its prompt included. */
  readonly maxLength: number;
  readonly eosTokenIds: readonly number[];
  readonly processors: readonly LogitsProcessor[];
}

/** @throws `INFERENCE_FAILED` for NaN */
export const assertNumber = (score: number | undefined): void => {
  if (score === undefined || Number.isNaN(score))
    throw new ServingError('INFERENCE_FAILED', 'the decoder gave logits that are no numbers');
};
