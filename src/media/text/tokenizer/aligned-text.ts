import { ServingError } from '../../../core/errors.ts';

/** How the matches of a pattern take part in a split, by the names of `tokenizer.json`. */
export type SplitBehaviour = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

/** A part `[start, end)` of a text, and whether the pattern matched it. */
export interface Part {
  readonly start: number;
  readonly end: number;
  readonly isMatch: boolean;
}

const sizeAt = (text: string, index: number): number => ((text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1);

/**
 * A few characters stand for many, up to 18. Texts with some of them are ordinary; one of nothing else would take memory
 * out of proportion to what the caller sent.
 */
const MOST_GROWTH = 4;
const ALWAYS_ALLOWED = 10_000;

/** Collects a text piece by piece with the range of the caller's text that each came from. */
class Writer {
  text = '';
  starts: Uint32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  write(content: string, start: number, end: number): void {
    const from = this.text.length;
    this.text += content;
    if (this.text.length > this.starts.length) this.#grow();
    for (let index = from; index < this.text.length; index++) {
      this.starts[index] = start;
      this.ends[index] = end;
    }
  }

  #grow(): void {
    const [starts, ends] = [this.starts, this.ends];
    this.starts = new Uint32Array(2 * this.text.length);
    this.ends = new Uint32Array(2 * this.text.length);
    this.starts.set(starts);
    this.ends.set(ends);
  }
}

/**
 * A text that is being normalised, and for each of its UTF-16 units the range `[start, end)` of the caller's text that it
 * came from. Immutable; slices share the ranges. What happens to ranges follows `NormalizedString` of Hugging Face's
 * `tokenizers`, because the offsets have to be the same.
 */
export class AlignedText {
  readonly text: string;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  /** Where the ranges of `text` begin in `#starts` and `#ends`. */
  readonly #base: number;

  private constructor({ text, starts, ends }: Pick<Writer, 'text' | 'starts' | 'ends'>, base = 0) {
    this.text = text;
    this.#starts = starts;
    this.#ends = ends;
    this.#base = base;
  }

  /** A text as the caller sent it: each character came from itself. */
  static from(text: string): AlignedText {
    const writer = new Writer(text.length);
    for (const character of text) writer.write(character, writer.text.length, writer.text.length + character.length);
    return new AlignedText(writer);
  }

  /** The caller's range that the units `[from, to)` came from. */
  original(from: number, to: number): readonly [start: number, end: number] {
    return [this.#starts[this.#base + from] ?? 0, this.#ends[this.#base + to - 1] ?? 0];
  }

  slice(from: number, to: number): AlignedText {
    const text = this.text.slice(from, to);
    return new AlignedText({ text, starts: this.#starts, ends: this.#ends } as Writer, this.#base + from);
  }

  /** Each character by what `map` makes of it, which came from the same place; an empty string removes it. */
  map(map: (character: string) => string): AlignedText {
    const writer = new Writer(this.text.length);
    let read = this.#base;
    for (const character of this.text) {
      writer.write(map(character), this.#starts[read] ?? 0, this.#ends[read] ?? 0);
      read += character.length;
    }
    return new AlignedText(writer);
  }

  /**
   * `characters` instead of this text. `changes` says of each: 0 it stands for the next character of this text, -n it does and
   * the n after that are gone, positive: it is new, and came from where the character before came from.
   */
  transform(characters: readonly string[], changes: readonly number[]): AlignedText {
    assertGrowth(this.text.length, characters.length);
    const writer = new Writer(this.text.length);
    let read = 0;
    characters.forEach((character, index) => {
      const change = changes[index] ?? 0;
      const source = change > 0 ? read - 1 : read;
      if (source < 0) writer.write(character, 0, 0);
      else writer.write(character, ...this.original(source, source + 1));
      for (let consumed = change > 0 ? 1 : change; consumed <= 0; consumed++) read += sizeAt(this.text, read);
    });
    return new AlignedText(writer);
  }

  /** `content` for every match of `parts`, from where the last unit of the match came from. */
  replace(parts: readonly Part[], content: string): AlignedText {
    if (!parts.some(({ isMatch }) => isMatch)) return this;
    const writer = new Writer(this.text.length);
    for (const { start, end, isMatch } of parts) {
      if (!isMatch) this.#copy(writer, start, end);
      else if (end === 0) writer.write(content, 0, 0);
      else writer.write(content, ...this.original(end - 1, end));
    }
    return new AlignedText(writer);
  }

  /** Each of `parts`, which cover the text in order, by its content, which came from the whole part. */
  rewrite(parts: readonly { readonly start: number; readonly end: number; readonly content: string }[]): AlignedText {
    assertGrowth(
      this.text.length,
      parts.reduce((sum, { content }) => sum + content.length, 0),
    );
    const writer = new Writer(this.text.length);
    for (const { start, end, content } of parts) writer.write(content, ...this.original(start, end));
    return new AlignedText(writer);
  }

  /** `prefix` before the text, from where its first character came from. An empty text stays empty. */
  prepend(prefix: string): AlignedText {
    if (this.text === '') return this;
    const writer = new Writer(prefix.length + this.text.length);
    writer.write(prefix, ...this.original(0, 1));
    this.#copy(writer, 0, this.text.length);
    return new AlignedText(writer);
  }

  #copy(writer: Writer, from: number, to: number): void {
    for (let index = from; index < to; index++)
      writer.write(this.text[index] as string, ...this.original(index, index + 1));
  }

  /** The pieces between (and, as `behaviour` says, with) the matches among `parts`, which cover the text; empty ones are left out. */
  split(parts: readonly Part[], behaviour: SplitBehaviour): AlignedText[] {
    const belongs = BELONGS[behaviour];
    const pieces: AlignedText[] = [];
    let start = 0;
    parts.forEach(({ end, isMatch }, index) => {
      const next = parts[index + 1];
      if (next !== undefined && belongs(next.isMatch, isMatch)) return;
      if (end > start && !(behaviour === 'Removed' && isMatch)) pieces.push(this.slice(start, end));
      start = end;
    });
    return pieces;
  }
}

/** @throws `INVALID_INPUT` when normalisation makes a text of `length` many times as long */
export const assertGrowth = (length: number, grown: number): void => {
  if (grown > MOST_GROWTH * length + ALWAYS_ALLOWED)
    throw new ServingError(
      'INVALID_INPUT',
      `a text of ${length} characters becomes one of ${grown} when it is normalised; at most ${MOST_GROWTH} times as many are taken`,
    );
};

/** Whether a part belongs to the one before it. */
const BELONGS: Readonly<Record<SplitBehaviour, (isMatch: boolean, isAfterMatch: boolean) => boolean>> = {
  Removed: () => false,
  Isolated: () => false,
  Contiguous: (isMatch, isAfterMatch) => isMatch === isAfterMatch,
  MergedWithPrevious: (isMatch, isAfterMatch) => isMatch && !isAfterMatch,
  MergedWithNext: (isMatch, isAfterMatch) => !isMatch && isAfterMatch,
};
