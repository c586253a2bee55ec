/** A piece of a word: its token, and its UTF-16 units `[start, end)` of the word. */
export interface Piece {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** A vocabulary that cuts words into pieces. */
export interface VocabularyModel {
  readonly ids: ReadonlyMap<string, number>;
  /** Vocabulary of decoded texts, if it is another one. */
  readonly targetIds?: ReadonlyMap<string, number>;
  cut(word: string): readonly Piece[];
}
