import type { AlignedText } from './aligned-text.ts';

/** Longer clusters are looked up by their single characters, bytes. */
const LONGEST_CLUSTER_BYTES = 5;

const ASCII_ONLY = /^\p{ASCII}*$/u;

/**
 * The character map that sentencepiece compiles into a model, as `tokenizer.json` carries it: a 32-bit length, a double-array
 * trie (darts-clone) of UTF-8 keys, and the replacements, each ended by a zero byte.
 *
 * A grapheme cluster is replaced by what its shortest known beginning maps to, and where there is none, each of its characters.
 * That is what the crate `spm_precompiled` does and models were converted with.
 */
export const createCharsmap = (base64: string): ((source: AlignedText) => AlignedText) => {
  const bytes = Buffer.from(base64, 'base64');
  const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
  if (trieBytes === 0 || trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
    throw new SyntaxError('precompiled_charsmap is damaged');
  const trie = new Uint32Array(trieBytes / 4).map((_, index) => bytes.readUInt32LE(4 + index * 4));
  const replacements = bytes.subarray(4 + trieBytes);

  const lookUp = (chunk: string): string | undefined => {
    const start = shortestMatch(trie, Buffer.from(chunk));
    if (start === undefined) return undefined;
    const end = replacements.indexOf(0, start);
    return replacements.toString('utf8', start, end === -1 ? undefined : end);
  };
  const known = new Map<string, string | undefined>();
  const remembered = (character: string): string | undefined => {
    if (!known.has(character)) known.set(character, lookUp(character));
    return known.get(character);
  };
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  return (source) => {
    const transformation = new Transformation();
    const addCharacters = (cluster: string): void => {
      for (const character of cluster) transformation.replace(character, remembered(character) ?? character);
    };
    if (ASCII_ONLY.test(source.text) && !source.text.includes('\r\n')) addCharacters(source.text);
    else
      for (const { segment } of segmenter.segment(source.text)) {
        const isShort = segment.length <= LONGEST_CLUSTER_BYTES && Buffer.byteLength(segment) <= LONGEST_CLUSTER_BYTES;
        const replacement = isShort && segment.length > 1 ? lookUp(segment) : undefined;
        if (replacement === undefined) addCharacters(segment);
        else transformation.replace(segment, replacement);
      }
    return source.transform(transformation.characters, transformation.changes);
  };
};

/** Where in the replacements the shortest key that `key` begins with has its value. */
const shortestMatch = (trie: Uint32Array, key: Uint8Array): number | undefined => {
  const offset = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let node = offset(trie[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return undefined;
    node ^= byte;
    const unit = trie[node] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
    node ^= offset(unit);
    if ((unit >>> 8) & 1) return (trie[node] ?? 0) & 0x7fffffff;
  }
  return undefined;
};

/** Collects characters with their changes (see `AlignedText.transform`). */
class Transformation {
  readonly characters: string[] = [];
  readonly changes: number[] = [];

  replace(old: string, replacement: string): void {
    const added = [...replacement];
    const difference = added.length - [...old].length;
    added.forEach((character, index) => {
      this.characters.push(character);
      this.changes.push(index >= added.length - difference ? 1 : 0);
    });
    const last = this.changes.length - 1;
    if (difference < 0 && last >= 0) this.changes[last] = (this.changes[last] ?? 0) + difference;
  }
}
