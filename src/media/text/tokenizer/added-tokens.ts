import * as v from 'valibot';
import { AlignedText } from './aligned-text.ts';
import { isWhitespace, isWord } from './characters.ts';
import type { Normalizer } from './normalizers.ts';

const addedTokenSchema = v.object({
  id: v.pipe(v.number(), v.integer(), v.minValue(0)),
  content: v.string(),
  single_word: v.optional(v.boolean(), false),
  lstrip: v.optional(v.boolean(), false),
  rstrip: v.optional(v.boolean(), false),
  normalized: v.optional(v.boolean(), true),
  special: v.optional(v.boolean(), false),
});

export const addedTokensSchema = v.array(addedTokenSchema);

/** A token that is found in the text as it stands, before the model cuts what lies between. */
export type AddedToken = v.InferOutput<typeof addedTokenSchema>;

/** A part of the text, and the added token it is, if it is one. */
export interface Section {
  readonly text: AlignedText;
  readonly id?: number;
}

/**
 * Cuts a text at its added tokens and normalises what lies between: tokens that are matched as they stand first, then those that
 * are matched in normalised form.
 */
export const createSections = (tokens: readonly AddedToken[], normalise: Normalizer): ((text: string) => Section[]) => {
  // Where the same content stands twice, special ones go first; a token takes the flags of the last one with its id.
  const ordered = [...tokens.filter(({ special }) => special), ...tokens.filter(({ special }) => !special)];
  const byId = new Map(tokens.map((token) => [token.id, token]));
  const finder = (members: readonly AddedToken[], toText: (content: string) => string) => {
    const ids = new Map<string, number>();
    for (const { content, id } of members) {
      const text = toText(content);
      if (text !== '' && !ids.has(text)) ids.set(text, id);
    }
    return createFinder(ids, byId);
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

/** Finds the leftmost, longest of the contents in a text. */
const createFinder = (
  ids: ReadonlyMap<string, number>,
  byId: ReadonlyMap<number, AddedToken>,
): ((source: AlignedText) => Section[]) => {
  if (ids.size === 0) return (source) => (source.text === '' ? [] : [{ text: source }]);
  const contents = [...ids.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'gu');

  return (source) => {
    const { text } = source;
    const sections: Section[] = [];
    let previous = 0;
    for (const match of text.matchAll(pattern)) {
      const id = ids.get(match[0]) as number;
      const token = byId.get(id) as AddedToken;
      let start = match.index;
      let end = start + match[0].length;
      if (token.single_word && (endsWithWord(text, start) || startsWithWord(text, end))) continue;
      if (token.lstrip) while (start > previous && isWhitespace(text[start - 1] ?? '')) start--;
      if (token.rstrip) while (end < text.length && isWhitespace(text[end] ?? '')) end++;
      if (start > previous) sections.push({ text: source.slice(previous, start) });
      sections.push({ text: source.slice(start, end), id });
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
