import { type AlignedText, assertGrowth } from './aligned-text.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * Unicode normalisation that keeps track of where characters came from, as the crate `unicode-normalization-alignments`:
 * a character that decomposes comes once for itself, its further parts are new; one that is composed stands for its first part,
 * and takes away the others.
 */
export const toUnicodeForm = (source: AlignedText, form: UnicodeForm): AlignedText => {
  const normalised = source.text.normalize(form);
  if (normalised === source.text) return source;
  assertGrowth(source.text.length, normalised.length);
  const changes = decompositionChanges(source.text, form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD');
  const characters = [...normalised];
  return source.transform(
    characters,
    characters.map((character) => {
      let change = 1;
      for (const part of form.endsWith('C') ? character.normalize('NFD') : [character])
        change += changes.next(part) - 1;
      return change;
    }),
  );
};

/**
 * For each decomposed character 0 when it is the first of what one character decomposes to, otherwise 1. Canonical ordering
 * moves marks but never two equal ones past each other, so each is found by the character and its turn.
 */
const decompositionChanges = (text: string, form: 'NFD' | 'NFKD') => {
  const turns = new Map<string, { readonly changes: number[]; next: number }>();
  for (const character of text) {
    let change = 0;
    for (const part of character.normalize(form)) {
      const turn = turns.get(part);
      if (turn === undefined) turns.set(part, { changes: [change], next: 0 });
      else turn.changes.push(change);
      change = 1;
    }
  }
  return {
    next(character: string): number {
      const turn = turns.get(character);
      return turn?.changes[turn.next++] ?? 0;
    },
  };
};
