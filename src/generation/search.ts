import { ServingError } from '../core/errors.ts';
import type { LogitsProcessor } from './logits.ts';

/** A sequence of tokens that the decoder goes on with. */
export interface Hypothesis {
  /** The prompt included; the last one has not been fed to the decoder. */
  readonly ids: readonly number[];
  /** The decoder's row that holds what was fed of it. */
  readonly row: number;
}

export interface Generated {
  /** What was generated: without the prompt and the end-of-sequence token. */
  readonly ids: readonly number[];
  /** Of beam search: the sum of the log-probabilities over their number to the power of `lengthPenalty`. */
  readonly score?: number;
}

/** The search for the best continuation of one prompt. */
export interface Search {
  /** Takes the logits float32[V] that follow each hypothesis, and may change them. @returns what to go on with; nothing when it is over */
  advance(hypotheses: readonly Hypothesis[], logits: readonly Float32Array[]): readonly Hypothesis[];
  /** The best there is. */
  result(): Generated;
}

export interface SearchOptions {
  readonly promptLength: number;
  /** Of a hypothesis with its prompt, in tokens. */
  readonly maxLength: number;
  readonly eosTokenIds: readonly number[];
  readonly processors: readonly LogitsProcessor[];
}

/** @throws `INFERENCE_FAILED` */
export const assertNumber = (score: number | undefined): void => {
  if (score === undefined || Number.isNaN(score))
    throw new ServingError('INFERENCE_FAILED', 'the decoder gave logits that are no numbers');
};
