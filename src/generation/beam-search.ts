import type { GenerationConfig } from './generation-config.ts';
import { toLogProbabilities } from './logits.ts';
import {
  assertNumber,
  type Generated,
  type Hypothesis,
  type ScoredHypothesis,
  type Search,
  type SearchOptions,
} from './search.ts';

/** Added to the score of a hypothesis that must not be chosen, as in transformers. */
const NOT_CHOSEN = -1e9;

interface Beam extends Hypothesis {
  /** Sum of the log-probabilities of its tokens. */
  readonly score: number;
  /** Log-probabilities float32[V] of the next token. */
  readonly scores: Float32Array;
}

/** `token` after `beam`. */
interface Candidate {
  readonly beam: Beam;
  readonly token: number;
  readonly score: number;
}

/** Inserts `candidate` after all that are no worse, and drops the last candidate when there are more than `count`. */
const insert = (best: Candidate[], candidate: Candidate, count: number): void => {
  const last = best.findLastIndex(({ score }) => score >= candidate.score);
  best.splice(last + 1, 0, candidate);
  if (best.length > count) best.pop();
};

/** The `count` best continuations of all beams, best first, in one pass over the vocabulary and without sorting it. */
const bestCandidates = (beams: readonly Beam[], count: number): Candidate[] => {
  const best: Candidate[] = [];
  let worst = Number.NEGATIVE_INFINITY; // of the candidates in `best`, once there are `count`
  for (const beam of beams) {
    const { scores } = beam;
    let least = worst - beam.score;
    for (let token = 0; token < scores.length; token += 1) {
      const score = scores[token] ?? 0;
      if (score > least) {
        insert(best, { beam, token, score: beam.score + score }, count);
        if (best.length === count) worst = best.at(-1)?.score ?? worst;
        least = worst - beam.score;
      }
    }
  }
  return best;
};

/** Hypotheses that have ended, at most `count`, and their comparison with the beams that go on. */
const createFinished = (
  { promptLength, maxLength, eosTokenIds }: SearchOptions,
  { numBeams, lengthPenalty, earlyStopping }: GenerationConfig,
) => {
  /** Best first. */
  let finished: Required<Generated>[] = [];

  const normalize = (score: number, length: number): number => score / (length - promptLength) ** lengthPenalty;

  return {
    add({ beam, token, score }: Candidate): void {
      const ids = beam.ids.slice(promptLength);
      const length = beam.ids.length + 1;
      finished.push({ ids: eosTokenIds.includes(token) ? ids : [...ids, token], score: normalize(score, length) });
      finished = finished.sort((a, b) => b.score - a.score).slice(0, numBeams);
    },

    /** Tells whether a beam of `length` tokens, the best with `score`, may end better than the worst hypothesis here, by transformers' estimate. */
    canImprove(score: number, length: number): boolean {
      if (finished.length < numBeams) return true;
      if (earlyStopping === true) return false;
      const lastLength = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength : length;
      return normalize(score, lastLength) > (finished.at(-1)?.score ?? NOT_CHOSEN);
    },

    best: (): Generated => finished[0] ?? { ids: [] },
  };
};

/**
 * Beam search with the outcome of transformers' `GenerationMixin._beam_search` 4.57, for one input: there, inputs of a batch
 * do not influence each other either.
 */
export const createBeamSearch = (options: SearchOptions, config: GenerationConfig): Search => {
  const { maxLength, eosTokenIds, processors } = options;
  const { numBeams } = config;
  // Even if each end-of-sequence token ends every beam, `numBeams` candidates are left to continue with.
  const candidateCount = Math.max(2, 1 + eosTokenIds.length) * numBeams;
  const finished = createFinished(options, config);
  /** Scores of the beams that continue; at first one prompt stands for all of them. */
  let running: readonly number[] = Array.from({ length: numBeams }, (_, index) => (index === 0 ? 0 : NOT_CHOSEN));
  let isOver = false;

  const toLogScores = ({ ids, row, logits: scores }: ScoredHypothesis) => {
    toLogProbabilities(scores);
    assertNumber(scores[0]);
    for (const process of processors) process(scores, ids);
    return { ids, row, scores };
  };

  return {
    advance(hypotheses) {
      const scored = hypotheses.map(toLogScores);
      const [first] = scored;
      if (first === undefined) return [];
      const beams = running.map((score, index) => ({ ...(scored[index] ?? first), score }));
      const candidates = bestCandidates(beams, candidateCount);

      const length = first.ids.length + 1;
      const ends = ({ token }: Candidate): boolean => length >= maxLength || eosTokenIds.includes(token);
      for (const candidate of candidates.slice(0, numBeams)) if (ends(candidate)) finished.add(candidate);
      const next = candidates
        .map((candidate) => (ends(candidate) ? { ...candidate, score: candidate.score + NOT_CHOSEN } : candidate))
        .sort((a, b) => b.score - a.score)
        .slice(0, numBeams);
      running = next.map(({ score }) => score);
      isOver = length >= maxLength || !finished.canImprove(running[0] ?? NOT_CHOSEN, length);
      return isOver ? [] : next.map(({ beam, token }) => ({ ids: [...beam.ids, token], row: beam.row }));
    },

    settled: () => (isOver ? finished.best().ids : []),

    result: finished.best,
  };
};
