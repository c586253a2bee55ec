import { docstringPassages, type Line, markdownPassages, type Passage } from './passages.ts';
import { type Sentence, sentences } from './sentences.ts';

/** A `long sentence`, a `long line`, or an `opening`: a sentence that begins with a word in the place of a noun. */
export type Kind = 'long sentence' | 'long line' | 'opening';

export interface Finding {
  readonly line: number;
  readonly kind: Kind;
  readonly text: string;
}

/** Findings of one file, and the number of sentences in it. */
export interface Survey {
  readonly sentences: number;
  readonly findings: readonly Finding[];
}

const WORDS_OF_A_LONG_SENTENCE = 30;
const CHARACTERS_OF_A_LONG_LINE = 160;
const OPENING =
  /^(?:what|whatever|whether|where|how|of|which|who|whoever|as|that|than|one|those|such|the same)(?![\p{L}\p{N}-])/iu;

export function surveyTypeScript(source: string): Survey {
  return survey(docstringPassages(source), toLines(source));
}

/** Rows of tables may be long, since Markdown cannot break them. */
export function surveyMarkdown(source: string): Survey {
  const lines = toLines(source);
  return survey(
    markdownPassages(lines),
    lines.filter(({ text }) => !text.trimStart().startsWith('|')),
  );
}

function survey(passages: readonly Passage[], lines: readonly Line[]): Survey {
  const found = passages.flatMap((passage) => sentences(passage).map((sentence) => ({ passage, sentence })));
  return {
    sentences: found.length,
    findings: [
      ...lines
        .filter(({ text }) => text.length >= CHARACTERS_OF_A_LONG_LINE)
        .map(({ number, text }) => ({ line: number, kind: 'long line' as const, text: text.trim() })),
      ...found.flatMap(({ passage, sentence }) =>
        kindsOf(passage, sentence).map((kind) => ({ line: sentence.line, kind, text: sentence.text })),
      ),
    ],
  };
}

/** Headings may ask questions. */
function kindsOf(passage: Passage, { words }: Sentence): Kind[] {
  const kinds: Kind[] = [];
  if (words.length >= WORDS_OF_A_LONG_SENTENCE) kinds.push('long sentence');
  const beginning = words
    .slice(0, 2)
    .join(' ')
    .replace(/^[^\p{L}\p{N}]+/u, '');
  if (passage.kind === 'prose' && OPENING.test(beginning)) kinds.push('opening');
  return kinds;
}

const toLines = (source: string): Line[] => source.split('\n').map((text, index) => ({ number: index + 1, text }));
