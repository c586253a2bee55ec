import * as v from 'valibot';
import { byteTokens } from './byte-fallback.ts';
import { MinHeap } from './min-heap.ts';
import { vocabularySchema } from './schemas.ts';
import type { Piece, VocabularyModel } from './vocabulary-model.ts';

const schema = v.object({
  vocab: vocabularySchema,
  merges: v.array(v.union([v.string(), v.tuple([v.string(), v.string()])])),
  dropout: v.nullish(v.number()),
  unk_token: v.nullish(v.string()),
  continuing_subword_prefix: v.nullish(v.string()),
  end_of_word_suffix: v.nullish(v.string()),
  fuse_unk: v.optional(v.boolean(), false),
  byte_fallback: v.optional(v.boolean(), false),
  ignore_merges: v.optional(v.boolean(), false),
});

type Config = v.InferOutput<typeof schema>;

interface Merges {
  /** Rank by pair, see `pairKey`. */
  readonly ranks: ReadonlyMap<number, number>;
  /** What the pair of each rank becomes. */
  readonly merged: Int32Array;
}

/** Ids stay below 2²⁶, so that a pair is an exact number. */
const pairKey = (left: number, right: number): number => left * 0x4000000 + right;

/** Positions in a word stay below 2²⁶: merges are ordered by rank, then from the left. */
const queueKey = (rank: number, position: number): number => rank * 0x4000000 + position;

const readMerges = ({ merges, continuing_subword_prefix }: Config, ids: ReadonlyMap<string, number>): Merges => {
  const prefixLength = continuing_subword_prefix?.length ?? 0;
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw new TypeError(`the merges name ${JSON.stringify(token)}, which the vocabulary lacks`);
    return id;
  };
  const ranks = new Map<number, number>();
  const merged = new Int32Array(merges.length);
  merges.forEach((merge, rank) => {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
    ranks.set(pairKey(idOf(left), idOf(right)), rank);
    merged[rank] = idOf(left + right.slice(prefixLength));
  });
  return { ranks, merged };
};

/** The characters of a word before any merge. Columns, because a word may have millions. */
interface Symbols {
  readonly ids: number[];
  /** Where each begins and ends in the word; the bytes of a character share its place. */
  readonly starts: number[];
  readonly ends: number[];
}

const toSymbols = (word: string, config: Config, ids: ReadonlyMap<string, number>): Symbols => {
  const symbols: Symbols = { ids: [], starts: [], ends: [] };
  const unknown = config.unk_token == null ? undefined : ids.get(config.unk_token);
  let lastIsUnknown = false;
  let start = 0;
  const add = (id: number, end: number): void => {
    symbols.ids.push(id);
    symbols.starts.push(start);
    symbols.ends.push(end);
  };
  for (const character of word) {
    const end = start + character.length;
    const prefix = start > 0 ? (config.continuing_subword_prefix ?? '') : '';
    const suffix = end === word.length ? (config.end_of_word_suffix ?? '') : '';
    const symbol = prefix + character + suffix;
    const id = ids.get(symbol);
    const bytes = id === undefined && config.byte_fallback ? byteTokens(symbol, ids) : undefined;
    if (id !== undefined) add(id, end);
    else if (bytes !== undefined) for (const byte of bytes) add(byte, end);
    else if (lastIsUnknown && config.fuse_unk) symbols.ends[symbols.ends.length - 1] = end;
    else if (unknown !== undefined) add(unknown, end);
    lastIsUnknown = id === undefined && bytes === undefined && unknown !== undefined;
    start = end;
  }
  return symbols;
};

/** Joins neighbours, the pair of the lowest rank first. O(n log n) in the number of symbols. */
const mergeAll = (symbols: Symbols, { ranks, merged }: Merges): Piece[] => {
  const count = symbols.ids.length;
  const ids = Int32Array.from(symbols.ids);
  const next = Int32Array.from({ length: count }, (_, index) => index + 1);
  const previous = Int32Array.from({ length: count }, (_, index) => index - 1);
  const isGone = new Uint8Array(count);
  const queue = new MinHeap(count);
  const rankAt = (left: number): number | undefined => {
    const right = next[left] ?? count;
    return right < count ? ranks.get(pairKey(ids[left] ?? 0, ids[right] ?? 0)) : undefined;
  };
  const enqueue = (left: number): void => {
    const rank = rankAt(left);
    if (rank !== undefined) queue.push(queueKey(rank, left));
  };
  for (let index = 0; index + 1 < count; index++) enqueue(index);

  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const left = top % 0x4000000;
    const id = merged[(top - left) / 0x4000000] ?? 0;
    const rank = isGone[left] ? undefined : rankAt(left);
    if (rank === undefined || merged[rank] !== id) continue; // the pair has changed since
    const right = next[left] ?? count;
    ids[left] = id;
    isGone[right] = 1;
    const after = next[right] ?? count;
    next[left] = after;
    if (after < count) previous[after] = left;
    const before = previous[left] ?? -1;
    if (before >= 0) enqueue(before);
    enqueue(left);
  }
  const pieces: Piece[] = [];
  for (let index = 0; index < count; index = next[index] ?? count) {
    const last = (next[index] ?? count) - 1;
    pieces.push({ id: ids[index] ?? 0, start: symbols.starts[index] ?? 0, end: symbols.ends[last] ?? 0 });
  }
  return pieces;
};

/** Words that come often are merged once. */
const REMEMBERED_WORDS = 10_000;
const LONGEST_REMEMBERED = 64;

/** Byte-pair encoding: characters joined in the order of the merges that training recorded. */
export const createBpe = (input: unknown): VocabularyModel => {
  const config = v.parse(schema, input);
  const ids = config.vocab;
  const merges = readMerges(config, ids);
  const remembered = new Map<string, Piece[]>();

  return {
    ids,
    cut(word) {
      const whole = config.ignore_merges ? ids.get(word) : undefined;
      if (whole !== undefined) return [{ id: whole, start: 0, end: word.length }];
      const known = remembered.get(word);
      if (known !== undefined) return known;
      const pieces = mergeAll(toSymbols(word, config, ids), merges);
      if (word.length <= LONGEST_REMEMBERED && remembered.size < REMEMBERED_WORDS) remembered.set(word, pieces);
      return pieces;
    },
  };
};
