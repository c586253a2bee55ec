import { type Cache, cutCache } from './cache.ts';
import type { DecoderLayout } from './layout.ts';

/** Fewer tokens in common are computed again as fast. */
const LEAST_TOKENS = 16;
/** Bytes of all entries, also where memory has no limit. */
const MOST_BYTES = 1024 ** 3;

interface Entry {
  /** The caller whom the tokens belong to. */
  readonly owner: string | undefined;
  readonly ids: readonly number[];
  readonly cache: Cache;
}

/**
 * Keys and values of the newest texts, so that a text that begins alike computes only the rest. Entries of one owner never serve another.
 * Within its bytes, the entry that was used last stays longest.
 */
export interface PrefixCache {
  /** The cache of the longest beginning of `ids` that is known, without its last token; undefined when it is short or unknown. */
  find(ids: readonly number[], owner: string | undefined): Cache | undefined;
  /** Keeps the part of `cache` that is of `ids`, and drops others until all take `mostBytes` at most. */
  keep(ids: readonly number[], cache: Cache, owner: string | undefined, mostBytes: number): void;
  /** Drops entries until all take `mostBytes` at most. */
  shrink(mostBytes: number): void;
  readonly bytes: number;
}

const commonLength = (a: readonly number[], b: readonly number[]): number => {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length += 1;
  return length;
};

export const createPrefixCache = (layout: DecoderLayout): PrefixCache => {
  // A merged decoder takes one token at a time after the first run.
  const isUsable = !layout.others.has('use_cache_branch');
  /** Least recently used first. */
  let entries: Entry[] = [];
  const bytesOf = ({ cache }: Entry): number => cache.length * layout.bytesPerToken;
  const bytes = (): number => entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  const shrink = (mostBytes: number): void => {
    while (entries.length > 0 && bytes() > mostBytes) entries.shift();
  };

  return {
    find(ids, owner) {
      let best: Entry | undefined;
      let longest = LEAST_TOKENS - 1;
      for (const entry of entries) {
        if (entry.owner !== owner) continue;
        const length = Math.min(commonLength(entry.ids, ids), entry.cache.length, ids.length - 1);
        if (length > longest) [best, longest] = [entry, length];
      }
      if (best === undefined) return undefined;
      const found = best;
      entries = [...entries.filter((entry) => entry !== found), found];
      return cutCache(found.cache, layout, longest);
    },

    keep(ids, cache, owner, mostBytes) {
      const length = Math.min(ids.length, cache.length);
      const isTooLarge = length * layout.bytesPerToken > Math.min(mostBytes, MOST_BYTES);
      if (!isUsable || isTooLarge || length < LEAST_TOKENS) return;
      const entry = { owner, ids: ids.slice(0, length), cache: cutCache(cache, layout, length) };
      const isWithin = (other: Entry): boolean =>
        other.owner === owner && commonLength(other.ids, entry.ids) === other.ids.length;
      entries = [...entries.filter((other) => !isWithin(other)), entry];
      shrink(Math.min(mostBytes, MOST_BYTES));
    },

    shrink,
    get bytes() {
      return bytes();
    },
  };
};
