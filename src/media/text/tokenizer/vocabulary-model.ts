/** A piece of a word: its token, and the UTF-16 units `[start, end)` of the word that it stands for. */
export interface Piece {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** A vocabulary and how it cuts words into pieces. */
export interface VocabularyModel {
  readonly ids: ReadonlyMap<string, number>;
  /** Of what is decoded, where that has a vocabulary of its own. */
  readonly targetIds?: ReadonlyMap<string, number>;
  cut(word: string): Piece[];
}
