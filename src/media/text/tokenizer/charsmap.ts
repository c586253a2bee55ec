import type { AlignedText } from './aligned-text.ts';
import { parseCharsmap } from './precompiled-charsmap.ts';

/** Most bytes of a cluster that is looked up as a whole; longer ones are looked up by character. */
const LONGEST_CLUSTER_BYTES = 5;

const ASCII_ONLY = /^\p{ASCII}*$/u;

/**
 * Creates a normaliser from the character map of a sentencepiece model in `tokenizer.json`.
 *
 * The shortest known beginning of a grapheme cluster decides its replacement; without one, each character is replaced. The crate
 * `spm_precompiled` does the same.
 */
export const createCharsmap = (base64: string): ((source: AlignedText) => AlignedText) => {
  const find = parseCharsmap(base64, 'shortest');
  const lookUp = (chunk: string): string | undefined => find(Buffer.from(chunk), 0)?.content;
  const known = new Map<string, string | undefined>();
  const remembered = (character: string): string | undefined => {
    if (!known.has(character)) known.set(character, lookUp(character));
    return known.get(character);
  };
  const isKept = (character: string): boolean => (remembered(character) ?? character) === character;
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  return (source) => {
    const transformation = new Transformation();
    const addCharacters = (cluster: string): void => {
      for (const character of cluster) {
        const replacement = remembered(character);
        if (replacement === undefined) transformation.keep(character);
        else transformation.replace(character, replacement);
      }
    };
    if (ASCII_ONLY.test(source.text) && !source.text.includes('\r\n')) {
      if ([...source.text].every(isKept)) return source;
      addCharacters(source.text);
    } else
      for (const { segment } of segmenter.segment(source.text)) {
        const isShort = segment.length <= LONGEST_CLUSTER_BYTES && Buffer.byteLength(segment) <= LONGEST_CLUSTER_BYTES;
        const replacement = isShort && segment.length > 1 ? lookUp(segment) : undefined;
        if (replacement === undefined) addCharacters(segment);
        else transformation.replace(segment, replacement);
      }
    return source.transform(transformation.characters, transformation.changes);
  };
};

/** Collects characters and their changes (see `AlignedText.transform`). */
class Transformation {
  readonly characters: string[] = [];
  readonly changes: number[] = [];

  keep(character: string): void {
    this.characters.push(character);
    this.changes.push(0);
  }

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
