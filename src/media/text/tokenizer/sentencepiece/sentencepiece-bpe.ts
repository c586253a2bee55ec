import * as v from 'valibot';
import { MinHeap } from '../min-heap.ts';
import type { Piece, VocabularyModel } from '../vocabulary-model.ts';
import { characterSizeAt, createPrefixMatcher } from './characters.ts';

const schema = v.object({
  vocab: v.array(v.tuple([v.string(), v.number()])),
  unk_id: v.number(),
  /** Never cut or joined to anything. */
  user_defined_symbols: v.array(v.string()),
});

/** Positions in a text stay below 2²⁶: pieces are ordered by rank, then from the left. */
const QUEUE_BASE = 0x4000000;

/**
 * Byte-pair encoding as sentencepiece does it (bpe_model.cc). Unlike BPE of `tokenizer.json` it has no list of merges: whatever
 * neighbours together are a piece may be joined, those of the best score first, of equal ones the leftmost.
 */
export const createSentencePieceBpe = (config: unknown): VocabularyModel => {
  const { vocab, unk_id, user_defined_symbols } = v.parse(schema, config);
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const bestFirst = [...new Set(vocab.map(([, score]) => score))].sort((a, b) => b - a);
  const rankOfScore = new Map(bestFirst.map((score, rank) => [score, rank]));
  const ranks = new Map(vocab.map(([piece, score]) => [piece, rankOfScore.get(score) ?? 0]));
  const matchDefined = createPrefixMatcher(user_defined_symbols);

  /** Where each character or symbol that stays whole begins, and which are the latter. */
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

  const join = (text: string): number[] => {
    const { starts, isWhole } = symbolsOf(text);
    const count = starts.length;
    const next = Int32Array.from(starts, (_, index) => index + 1);
    const previous = Int32Array.from(starts, (_, index) => index - 1);
    const isGone = new Uint8Array(count);
    const queue = new MinHeap(count);
    const rankAt = (left: number): number | undefined => {
      const right = next[left] ?? count;
      if (right >= count || isWhole[left] || isWhole[right]) return undefined;
      return ranks.get(text.slice(starts[left], starts[next[right] ?? count]));
    };
    const enqueue = (left: number): void => {
      const rank = rankAt(left);
      if (rank !== undefined) queue.push(rank * QUEUE_BASE + left);
    };
    for (let index = 0; index < count; index++) enqueue(index);

    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const left = top % QUEUE_BASE;
      if (isGone[left] || rankAt(left) !== (top - left) / QUEUE_BASE) continue; // the pair has changed since
      const right = next[left] ?? count;
      const after = next[right] ?? count;
      isGone[right] = 1;
      next[left] = after;
      if (after < count) previous[after] = left;
      const before = previous[left] ?? -1;
      if (before >= 0) enqueue(before);
      enqueue(left);
    }
    return starts.filter((_, index) => !isGone[index]);
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
