import * as v from 'valibot';
import { AlignedText } from './aligned-text.ts';
import { isWhitespace, isWord } from './characters.ts';
import type { Normalizer } from './normalizers.ts';
import { escapePattern } from './patterns.ts';
import { MAX_IDS } from './schemas.ts';

const addedTokenSchema = v.object({
  id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_IDS - 1)),
  content: v.string(),
  single_word: v.optional(v.boolean(), false),
  lstrip: v.optional(v.boolean(), false),
  rstrip: v.optional(v.boolean(), false),
  normalized: v.optional(v.boolean(), true),
  special: v.optional(v.boolean(), false),
});

export const addedTokensSchema = v.array(addedTokenSchema);

/** A token that is found in the text before the model cuts the sections between such tokens. */
export type AddedToken = v.InferOutput<typeof addedTokenSchema>;

/** A section of the text; `id` is that of an added token. */
export interface Section {
  readonly text: AlignedText;
  readonly id?: number;
}

/**
 * Creates a function that cuts a text at its added tokens and normalises the sections between them. Literal tokens are found first,
 * then tokens that are found in normalised text. With `splitsSpecial`, special tokens are text like any other.
 */
export const createSections = (
  tokens: readonly AddedToken[],
  normalise: Normalizer,
  splitsSpecial: boolean,
): ((text: string) => Section[]) => {
  // Of equal contents, special tokens go first; a token takes the flags of the last token with its id.
  const ordered = [...tokens.filter(({ special }) => special), ...tokens.filter(({ special }) => !special)];
  const byId = new Map(tokens.map((token) => [token.id, token]));
  const finder = (members: readonly AddedToken[], toText: (content: string) => string) => {
    const byContent = new Map<string, AddedToken>();
    for (const token of members) {
      const text = toText(token.content);
      if (text !== '' && !byContent.has(text)) byContent.set(text, byId.get(token.id) ?? token);
    }
    return createFinder(byContent, splitsSpecial);
  };
  const literal = finder(
    ordered.filter(({ normalized }) => !normalized),
    (content) => content,
  );
  const normalised = finder(
    ordered.filter(({ normalized }) => normalized),
    (content) => normalise(AlignedText.from(content)).text,
  );

  return (text) =>
    literal(AlignedText.from(text)).flatMap((section) =>
      section.id === undefined ? normalised(normalise(section.text)) : [section],
    );
};

/** Creates a function that cuts a text at the leftmost, longest contents. */
const createFinder = (
  byContent: ReadonlyMap<string, AddedToken>,
  splitsSpecial: boolean,
): ((source: AlignedText) => Section[]) => {
  if (byContent.size === 0) return (source) => (source.text === '' ? [] : [{ text: source }]);
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(contents.map(escapePattern).join('|'), 'gu');

  return (source) => {
    const { text } = source;
    const sections: Section[] = [];
    let previous = 0;
    for (const match of text.matchAll(pattern)) {
      const token = byContent.get(match[0]);
      let start = match.index;
      let end = start + match[0].length;
      if (token === undefined || (splitsSpecial && token.special)) continue;
      if (token.single_word && (endsWithWord(text, start) || startsWithWord(text, end))) continue;
      if (token.lstrip) while (start > previous && isWhitespace(text[start - 1] ?? '')) start--;
      if (token.rstrip) while (end < text.length && isWhitespace(text[end] ?? '')) end++;
      if (start > previous) sections.push({ text: source.slice(previous, start) });
      sections.push({ text: source.slice(start, end), id: token.id });
      previous = end;
    }
    if (previous < text.length) sections.push({ text: source.slice(previous, text.length) });
    return sections;
  };
};

const startsWithWord = (text: string, index: number): boolean =>
  index < text.length && isWord(String.fromCodePoint(text.codePointAt(index) ?? 0));

const endsWithWord = (text: string, index: number): boolean => {
  if (index === 0) return false;
  const isPair = index > 1 && (text.codePointAt(index - 2) ?? 0) > 0xffff;
  return isWord(text.slice(index - (isPair ? 2 : 1), index));
};
