import * as v from 'valibot';
import { byteTokens } from './byte-fallback.ts';
import { characterSizeAt } from './characters.ts';
import type { Piece, VocabularyModel } from './vocabulary-model.ts';

const schema = v.object({
  vocab: v.array(v.tuple([v.string(), v.number()])),
  unk_id: v.nullish(v.number()),
  byte_fallback: v.optional(v.boolean(), false),
  /** Rounds sums to float32, as sentencepiece does, which decides ties. */
  single_precision: v.optional(v.boolean(), false),
});

/** Distance of the score of an unknown character from the lowest score of a token. */
const UNKNOWN_PENALTY = 10;

/** Marks a beginning of tokens that is no token itself. */
const BEGINNING = -1;

/** The best piece that ends at each position of a word of `length` UTF-16 units, as far as pieces were offered. */
const createLattice = (length: number, round: (score: number) => number) => {
  const from = new Int32Array(length + 1).fill(-1);
  const tokens = new Int32Array(length + 1);
  const best = new Float64Array(length + 1);
  const offer = (start: number, end: number, token: number, score: number): void => {
    const candidate = round(score + (best[start] ?? 0));
    if (from[end] !== -1 && candidate <= (best[end] ?? 0)) return;
    best[end] = candidate;
    from[end] = start;
    tokens[end] = token;
  };
  return { from, tokens, offer };
};

/**
 * The unigram model of sentencepiece: finds the most likely tokens of a word (Viterbi). The time is proportional to the length of the
 * word and to the length of the longest token that matches.
 */
export const createUnigram = (config: unknown): VocabularyModel => {
  const { vocab, unk_id, byte_fallback, single_precision } = v.parse(schema, config);
  const ids = new Map(vocab.map(([token], id) => [token, id]));
  const scores = Float64Array.from(vocab, ([, score]) => score);
  const round = single_precision ? Math.fround : (value: number): number => value;
  const unknownScore = round(
    scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY,
  );
  const beginnings = withBeginnings(ids);

  /** Start and token of the best piece that ends at each position. */
  const bestPieces = (word: string): { from: Int32Array; tokens: Int32Array } => {
    const { from, tokens, offer } = createLattice(word.length, round);
    for (let start = 0; start < word.length; ) {
      const next = start + characterSizeAt(word, start);
      let hasSingle = false;
      for (let end = start + 1; end <= word.length; end++) {
        const token = beginnings.get(word.slice(start, end));
        if (token === undefined) break;
        if (token === BEGINNING) continue;
        offer(start, end, token, scores[token] ?? 0);
        if (end === next) hasSingle = true;
      }
      if (!hasSingle) {
        if (unk_id == null) throw new TypeError('the vocabulary has no unknown token, and the text needs it');
        offer(start, next, unk_id, unknownScore);
      }
      start = next;
    }
    return { from, tokens };
  };

  /** The token of a piece; without one, the tokens of its bytes. */
  const toPieces = (word: string, start: number, end: number): Piece[] => {
    const surface = word.slice(start, end);
    const id = ids.get(surface);
    if (id !== undefined) return [{ id, start, end }];
    const bytes = byte_fallback ? byteTokens(surface, ids) : undefined;
    return (bytes ?? [unk_id ?? 0]).map((token) => ({ id: token, start, end }));
  };

  return {
    ids,
    cut(word) {
      const { from, tokens } = bestPieces(word);
      const pieces: Piece[][] = [];
      for (let end = word.length; end > 0; ) {
        let start = from[end] ?? 0;
        // Unknown characters side by side are one unknown piece.
        if (tokens[end] === unk_id) while (start > 0 && tokens[start] === unk_id) start = from[start] ?? 0;
        pieces.push(toPieces(word, start, end));
        end = start;
      }
      return pieces.reverse().flat();
    },
  };
};

/** Adds every beginning of a token, so that a search knows when to stop. */
const withBeginnings = (ids: ReadonlyMap<string, number>): Map<string, number> => {
  const beginnings = new Map(ids);
  for (const token of ids.keys())
    for (let end = token.length - 1; end > 0; end--) {
      const beginning = token.slice(0, end);
      if (beginnings.has(beginning)) break;
      beginnings.set(beginning, BEGINNING);
    }
  return beginnings;
};
