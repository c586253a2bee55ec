import { type AlignedText, assertGrowth } from './aligned-text.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * Normalises Unicode with the changes of the crate `unicode-normalization-alignments` (see `AlignedText.transform`). The first part of a
 * decomposed character stands for it, and the others are new. A composed character stands for its first part, and the others go.
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
 * Computes the change of each part of a decomposition: 0 for the first part of a character, otherwise 1. Canonical ordering moves
 * marks, but no mark past an equal mark: so the n-th occurrence of a part is the n-th in the text.
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
