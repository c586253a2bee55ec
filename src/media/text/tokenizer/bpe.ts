import * as v from 'valibot';
import { byteTokens } from './byte-fallback.ts';
import { mergeNeighbours } from './merge-neighbours.ts';
import { rememberWords } from './remember-words.ts';
import { MAX_IDS, vocabularySchema } from './schemas.ts';
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
  /** Ranks by the key of a pair. */
  readonly ranks: ReadonlyMap<number, number>;
  /** The id that the pair of each rank becomes. */
  readonly merged: Int32Array;
}

/** The key of a pair of ids, an exact number. */
const pairKey = (left: number, right: number): number => left * MAX_IDS + right;

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

/** Characters of a word before any merge, in columns, because a word may have millions. */
interface Symbols {
  readonly ids: number[];
  /** Start and end of each symbol in the word; the bytes of a character share its place. */
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

/** Merges symbols into the pieces of a word. */
const mergeSymbols = (symbols: Symbols, { ranks, merged }: Merges): Piece[] => {
  const { starts, ends } = symbols;
  const ids = Int32Array.from(symbols.ids);
  const positions = mergeNeighbours(ids.length, {
    rankOf: (left, right) => ranks.get(pairKey(ids[left] ?? 0, ids[right] ?? 0)),
    resultOf: (rank) => merged[rank] ?? 0,
    onMerge(left, id) {
      ids[left] = id;
    },
  });
  return positions.map((position, index) => {
    const last = (positions[index + 1] ?? ids.length) - 1;
    return { id: ids[position] ?? 0, start: starts[position] ?? 0, end: ends[last] ?? 0 };
  });
};

/** Byte-pair encoding: merges characters in the order that training recorded. */
export const createBpe = (input: unknown): VocabularyModel => {
  const config = v.parse(schema, input);
  const ids = config.vocab;
  const merges = readMerges(config, ids);
  return {
    ids,
    cut: rememberWords((word) => {
      const whole = config.ignore_merges ? ids.get(word) : undefined;
      return whole === undefined
        ? mergeSymbols(toSymbols(word, config, ids), merges)
        : [{ id: whole, start: 0, end: word.length }];
    }),
  };
};
