import type { Passage } from './passages.ts';

export interface Sentence {
  readonly line: number;
  readonly text: string;
  readonly words: readonly string[];
}

/** The space after a full stop that ends neither an abbreviation nor the number of a list item (`: 1. this; 2. that`). */
const BETWEEN_SENTENCES = /(?<=(?<!\b(?:e\.g|i\.e|cf|vs)|[:;,] \d)[.!?]["')]*)\s+/g;

/** The sentences of a passage; a fragment without a full stop is one too, a lone word is none. */
export function sentences({ lines }: Passage): Sentence[] {
  const text = lines.map((line) => line.text).join(' ');
  const masked = mask(text);
  const gaps = [...masked.matchAll(BETWEEN_SENTENCES)];
  const starts = [masked.search(/\S/), ...gaps.map((gap) => gap.index + gap[0].length)];
  return starts
    .map((start, index) => ({
      line: lineAt(lines, start),
      text: text.slice(start, gaps[index]?.index).trim(),
      words: wordsOf(masked.slice(start, gaps[index]?.index)),
    }))
    .filter(({ words }) => words.length > 1);
}

const wordsOf = (masked: string): string[] => masked.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));

/** The text at the same length, with each piece of inline code as one word, and without emphasis and the targets of links. */
function mask(text: string): string {
  return text
    .replace(/(`+).*?\1/g, (code) => `X${'x'.repeat(code.length - 1)}`)
    .replace(/\]\([^)]*\)/g, (target) => ' '.repeat(target.length))
    .replace(/[[\]*]/g, ' ');
}

function lineAt(lines: Passage['lines'], offset: number): number {
  let end = 0;
  for (const line of lines) {
    end += line.text.length + 1;
    if (offset < end) return line.number;
  }
  return lines.at(-1)?.number ?? 0;
}
