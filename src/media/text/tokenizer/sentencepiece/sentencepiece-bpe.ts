import * as v from 'valibot';
import { characterSizeAt } from '../characters.ts';
import { mergeNeighbours } from '../merge-neighbours.ts';
import type { Piece, VocabularyModel } from '../vocabulary-model.ts';
import { createPrefixMatcher } from './characters.ts';

const schema = v.object({
  vocab: v.array(v.tuple([v.string(), v.number()])),
  unk_id: v.number(),
  /** Texts that are never cut, and never joined to others. */
  user_defined_symbols: v.array(v.string()),
});

/**
 * Byte-pair encoding of sentencepiece (bpe_model.cc). BPE of `tokenizer.json` has a list of merges, this model has none: neighbours are
 * merged if together they are a piece. The pair with the best score comes first, of equal scores the leftmost.
 */
export const createSentencePieceBpe = (config: unknown): VocabularyModel => {
  const { vocab, unk_id, user_defined_symbols } = v.parse(schema, config);
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const bestFirst = [...new Set(vocab.map(([, score]) => score))].sort((a, b) => b - a);
  const rankOfScore = new Map(bestFirst.map((score, rank) => [score, rank]));
  const ranks = new Map(vocab.map(([piece, score]) => [piece, rankOfScore.get(score) ?? 0]));
  const matchDefined = createPrefixMatcher(user_defined_symbols);

  /** Starts of all characters and user-defined symbols; `isWhole` tells the symbols, which stay whole. */
  const symbolsOf = (text: string): { starts: number[]; isWhole: boolean[] } => {
    const starts: number[] = [];
    const isWhole: boolean[] = [];
    for (let start = 0; start < text.length; ) {
      const defined = matchDefined(text, start);
      starts.push(start);
      isWhole.push(defined > 0);
      start += defined || characterSizeAt(text, start);
    }
    return { starts, isWhole };
  };

  /** Starts of the pieces of a text. */
  const join = (text: string): number[] => {
    const { starts, isWhole } = symbolsOf(text);
    const positions = mergeNeighbours(starts.length, {
      rankOf: (left, right, end) =>
        isWhole[left] || isWhole[right] ? undefined : ranks.get(text.slice(starts[left], starts[end])),
      resultOf: (rank) => rank,
    });
    return positions.map((position) => starts[position] ?? 0);
  };

  return {
    ids,
    cut(text) {
      const starts = join(text);
      const pieces: Piece[] = [];
      starts.forEach((start, index) => {
        const end = starts[index + 1] ?? text.length;
        const id = ids.get(text.slice(start, end)) ?? unk_id;
        const last = pieces.at(-1);
        // Unknown characters side by side are one unknown piece.
        if (id === unk_id && last?.id === unk_id) pieces[pieces.length - 1] = { ...last, end };
        else pieces.push({ id, start, end });
      });
      return pieces;
    },
  };
};
