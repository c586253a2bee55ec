/** Replacement for the first `bytes` bytes of a text. */
interface Replacement {
  readonly bytes: number;
  readonly content: string;
}

/** Finds the replacement for the key at `offset` of a text in UTF-8. */
export type FindReplacement = (text: Uint8Array, offset: number) => Replacement | undefined;

/**
 * Reads the character map that sentencepiece compiles into a model. Its format is a 32-bit length, a double-array trie (darts-clone) of
 * UTF-8 keys, and the replacements, each with a zero byte at its end.
 *
 * @param wanted the key to choose of several at one offset
 * @throws SyntaxError for a damaged map
 */
export const parseCharsmap = (base64: string, wanted: 'shortest' | 'longest'): FindReplacement => {
  const bytes = Buffer.from(base64, 'base64');
  const trieBytes = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
  if (trieBytes === 0 || trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
    throw new SyntaxError('precompiled_charsmap is damaged');
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, index) => bytes.readUInt32LE(4 + index * 4));
  const replacements = bytes.subarray(4 + trieBytes);

  const unit = (node: number): number => units[node] ?? 0;
  const children = (value: number): number => (value >>> 10) << ((value & (1 << 9)) >>> 6);
  const hasLeaf = (value: number): boolean => ((value >>> 8) & 1) === 1;
  const label = (value: number): number => (value & 0x80_00_00_ff) >>> 0;

  const contentAt = (start: number): string => {
    const end = replacements.indexOf(0, start);
    return replacements.toString('utf8', start, end === -1 ? undefined : end);
  };

  return (text, offset) => {
    let node = children(unit(0));
    let found: { readonly end: number; readonly start: number } | undefined;
    for (let index = offset; index < text.length; index++) {
      const byte = text[index] ?? 0;
      const value = unit(node ^ byte);
      if (byte === 0 || label(value) !== byte) break;
      node ^= byte ^ children(value);
      if (hasLeaf(value)) found = { end: index + 1, start: unit(node) & 0x7f_ff_ff_ff };
      if (found !== undefined && wanted === 'shortest') break;
    }
    return found && { bytes: found.end - offset, content: contentAt(found.start) };
  };
};
