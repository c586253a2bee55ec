import type { GenerationConfig } from './generation-config.ts';
import { toLogProbabilities } from './logits.ts';
import { assertNumber, type Generated, type Hypothesis, type Search, type SearchOptions } from './search.ts';

/** What transformers adds to the score of a hypothesis that is not to be chosen. */
const NOT_CHOSEN = -1e9;

interface Beam extends Hypothesis {
  /** Sum of the log-probabilities of its tokens. */
  readonly score: number;
  /** Log-probabilities float32[V] of the next one. */
  readonly scores: Float32Array;
}

/** `token` after `beam`. */
interface Candidate {
  readonly beam: Beam;
  readonly token: number;
  readonly score: number;
}

/** Puts `candidate` behind those that are no worse, and drops the last when there are more than `count`. */
const insert = (best: Candidate[], candidate: Candidate, count: number): void => {
  let index = best.length;
  while (index > 0 && (best[index - 1] as Candidate).score < candidate.score) index -= 1;
  best.splice(index, 0, candidate);
  if (best.length > count) best.pop();
};

/** The `count` best continuations of all beams, best first, in one pass over the vocabulary and without sorting it. */
const bestCandidates = (beams: readonly Beam[], count: number): Candidate[] => {
  const best: Candidate[] = [];
  let worst = Number.NEGATIVE_INFINITY; // of those that are kept, once there are enough
  for (const beam of beams) {
    const { scores } = beam;
    let least = worst - beam.score;
    for (let token = 0; token < scores.length; token += 1) {
      const score = scores[token] as number;
      if (score > least) {
        insert(best, { beam, token, score: beam.score + score }, count);
        if (best.length === count) worst = (best.at(-1) as Candidate).score;
        least = worst - beam.score;
      }
    }
  }
  return best;
};

/**
 * Beam search with the outcome of transformers' `GenerationMixin._beam_search` 4.57, for one input: there, inputs of a batch
 * do not influence each other either.
 */
export const createBeamSearch = (
  { promptLength, maxLength, eosTokenIds, processors }: SearchOptions,
  { numBeams, lengthPenalty, earlyStopping }: GenerationConfig,
): Search => {
  // As many as can end in this step may be left out, and there are still `numBeams` to go on with.
  const candidateCount = Math.max(2, 1 + eosTokenIds.length) * numBeams;
  /** Of the beams that go on; at first one prompt stands for all of them. */
  let running: readonly number[] = Array.from({ length: numBeams }, (_, index) => (index === 0 ? 0 : NOT_CHOSEN));
  /** Best first; no more than `numBeams`. */
  let finished: Required<Generated>[] = [];

  const normalize = (score: number, length: number): number => score / (length - promptLength) ** lengthPenalty;

  const finish = ({ beam, token, score }: Candidate): void => {
    const ids = beam.ids.slice(promptLength);
    const length = beam.ids.length + 1;
    finished.push({ ids: eosTokenIds.includes(token) ? ids : [...ids, token], score: normalize(score, length) });
    finished = finished.sort((a, b) => b.score - a.score).slice(0, numBeams);
  };

  /** Whether a running beam may still end better than the worst that is finished, as far as transformers goes into it. */
  const canImprove = (length: number): boolean => {
    if (finished.length < numBeams) return true;
    if (earlyStopping === true) return false;
    const lastLength = earlyStopping === 'never' && lengthPenalty > 0 ? maxLength : length;
    const [best = NOT_CHOSEN] = running;
    return normalize(best, lastLength) > (finished.at(-1)?.score ?? NOT_CHOSEN);
  };

  return {
    advance(hypotheses, logits) {
      const scored = hypotheses.map(({ ids, row }, index) => {
        const scores = logits[index] as Float32Array;
        toLogProbabilities(scores);
        assertNumber(scores[0]);
        for (const process of processors) process(scores, ids);
        return { ids, row, scores };
      });
      const [first] = scored as [(typeof scored)[number]];
      const beams = running.map((score, index) => ({ ...(scored[index] ?? first), score }));
      const candidates = bestCandidates(beams, candidateCount);

      const length = first.ids.length + 1;
      const ends = ({ token }: Candidate): boolean => length >= maxLength || eosTokenIds.includes(token);
      for (const candidate of candidates.slice(0, numBeams)) if (ends(candidate)) finish(candidate);
      const next = candidates
        .map((candidate) => (ends(candidate) ? { ...candidate, score: candidate.score + NOT_CHOSEN } : candidate))
        .sort((a, b) => b.score - a.score)
        .slice(0, numBeams);
      running = next.map(({ score }) => score);
      if (length >= maxLength || !canImprove(length)) return [];
      return next.map(({ beam, token }) => ({ ids: [...beam.ids, token], row: beam.row }));
    },

    result: () => finished[0] ?? { ids: [] },
  };
};
