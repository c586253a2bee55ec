import { ServingError } from '../../../core/errors.ts';
import { characterSizeAt } from './characters.ts';

/** Role of the matches of a pattern in a split, by its name in `tokenizer.json`. */
export type SplitBehaviour = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

/** A span `[start, end)` of a text; `isMatch` tells that a pattern matched it. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly isMatch: boolean;
}

/** The new content of the span `[start, end)` of a text. */
export interface Rewrite {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** A text with the range `[start, end)` of the caller's text for each of its UTF-16 units, the two numbers one after the other. */
interface Aligned {
  readonly text: string;
  readonly origins: Uint32Array;
}

/*
 * Limits of normalisation, which replaces some characters by up to 18 others. Ordinary texts contain a few of them; a text of nothing
 * else would take too much memory for its size.
 */
const MOST_GROWTH = 4;
const ALWAYS_ALLOWED = 10_000;

/** Collects a text piece by piece, each with its range of the caller's text. */
class Writer implements Aligned {
  text = '';
  origins: Uint32Array;

  constructor(capacity: number) {
    this.origins = new Uint32Array(2 * capacity);
  }

  write(content: string, start: number, end: number): void {
    const from = this.text.length;
    this.text += content;
    if (2 * this.text.length > this.origins.length) this.#grow();
    for (let index = 2 * from; index < 2 * this.text.length; index += 2) {
      this.origins[index] = start;
      this.origins[index + 1] = end;
    }
  }

  /** Writes a text with its own origins. */
  copy(content: string, origins: Uint32Array): void {
    const from = this.text.length;
    this.text += content;
    if (2 * this.text.length > this.origins.length) this.#grow();
    this.origins.set(origins, 2 * from);
  }

  #grow(): void {
    const { origins } = this;
    this.origins = new Uint32Array(4 * this.text.length);
    this.origins.set(origins);
  }
}

/**
 * A text under normalisation. Each of its UTF-16 units has an origin, the range `[start, end)` of the caller's text that it came from.
 * Texts are immutable, and slices share their origins. All operations treat origins like `NormalizedString` of Hugging Face's
 * `tokenizers`, whose offsets have to be the same.
 */
export class AlignedText {
  readonly text: string;
  readonly #origins: Uint32Array;
  /** Number of origins before the first one of `text`. */
  readonly #base: number;

  private constructor({ text, origins }: Aligned, base = 0) {
    this.text = text;
    this.#origins = origins;
    this.#base = base;
  }

  /** Wraps a caller's text, in which each character is its own origin. */
  static from(text: string): AlignedText {
    const origins = new Uint32Array(2 * text.length);
    for (let at = 0; at < text.length; ) {
      const end = at + characterSizeAt(text, at);
      for (let unit = at; unit < end; unit++) {
        origins[2 * unit] = at;
        origins[2 * unit + 1] = end;
      }
      at = end;
    }
    return new AlignedText({ text, origins });
  }

  /** The origin of the units `[from, to)`. */
  original(from: number, to: number): readonly [start: number, end: number] {
    return [this.#origins[2 * (this.#base + from)] ?? 0, this.#origins[2 * (this.#base + to) - 1] ?? 0];
  }

  slice(from: number, to: number): AlignedText {
    const text = this.text.slice(from, to);
    return new AlignedText({ text, origins: this.#origins }, this.#base + from);
  }

  /** Replaces the text by one of as many units, each of which keeps the origin of its place. */
  withUnits(text: string): AlignedText {
    return new AlignedText({ text, origins: this.#origins }, this.#base);
  }

  /** Replaces each character by the result of `map`, which keeps the origin; an empty string removes the character. */
  map(map: (character: string) => string): AlignedText {
    let writer: Writer | undefined; // most texts have nothing to change
    let at = 0;
    for (const character of this.text) {
      const mapped = map(character);
      if (writer === undefined && mapped !== character) {
        writer = new Writer(this.text.length);
        this.#copy(writer, 0, at);
      }
      writer?.write(mapped, ...this.original(at, at + 1));
      at += character.length;
    }
    return writer === undefined ? this : new AlignedText(writer);
  }

  /**
   * Replaces the text by `characters`. The change of a character is 0 if it stands for the next character of this text, and -n if the n
   * characters after that one are removed. A positive change marks a new character, which has the origin of the character before.
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
      for (let consumed = change > 0 ? 1 : change; consumed <= 0; consumed++) read += characterSizeAt(this.text, read);
    });
    return new AlignedText(writer);
  }

  /** Replaces every match of `spans` by `content`, with the origin of the last unit of the match. */
  replace(spans: readonly Span[], content: string): AlignedText {
    if (!spans.some(({ isMatch }) => isMatch)) return this;
    const writer = new Writer(this.text.length);
    for (const { start, end, isMatch } of spans) {
      if (!isMatch) this.#copy(writer, start, end);
      else if (end === 0) writer.write(content, 0, 0);
      else writer.write(content, ...this.original(end - 1, end));
    }
    return new AlignedText(writer);
  }

  /** Rewrites the text; `rewrites` cover it in order. The origin of new content is that of its whole span. */
  rewrite(rewrites: readonly Rewrite[]): AlignedText {
    assertGrowth(
      this.text.length,
      rewrites.reduce((sum, { content }) => sum + content.length, 0),
    );
    const writer = new Writer(this.text.length);
    for (const { start, end, content } of rewrites) writer.write(content, ...this.original(start, end));
    return new AlignedText(writer);
  }

  /** Adds `prefix` with the origin of the first unit. An empty text stays empty. */
  prepend(prefix: string): AlignedText {
    if (this.text === '') return this;
    const writer = new Writer(prefix.length + this.text.length);
    writer.write(prefix, ...this.original(0, 1));
    this.#copy(writer, 0, this.text.length);
    return new AlignedText(writer);
  }

  #copy(writer: Writer, from: number, to: number): void {
    writer.copy(this.text.slice(from, to), this.#origins.subarray(2 * (this.#base + from), 2 * (this.#base + to)));
  }

  /** Splits the text at the matches among `spans`, which cover it, by the rules of `behaviour`. Leaves out empty pieces. */
  split(spans: readonly Span[], behaviour: SplitBehaviour): AlignedText[] {
    const belongs = BELONGS[behaviour];
    const pieces: AlignedText[] = [];
    let start = 0;
    spans.forEach(({ end, isMatch }, index) => {
      const next = spans[index + 1];
      if (next !== undefined && belongs(next.isMatch, isMatch)) return;
      if (end > start && !(behaviour === 'Removed' && isMatch)) pieces.push(this.slice(start, end));
      start = end;
    });
    return pieces;
  }
}

/** @throws `INVALID_INPUT` for a text of `length` that normalisation makes many times as long */
export const assertGrowth = (length: number, grown: number): void => {
  if (grown > MOST_GROWTH * length + ALWAYS_ALLOWED)
    throw new ServingError(
      'INVALID_INPUT',
      `a text of ${length} characters becomes one of ${grown} when it is normalised; at most ${MOST_GROWTH} times as many are taken`,
    );
};

/** Tells whether a span belongs to the piece of the span before it. */
const BELONGS: Readonly<Record<SplitBehaviour, (isMatch: boolean, isAfterMatch: boolean) => boolean>> = {
  Removed: () => false,
  Isolated: () => false,
  Contiguous: (isMatch, isAfterMatch) => isMatch === isAfterMatch,
  MergedWithPrevious: (isMatch, isAfterMatch) => isMatch && !isAfterMatch,
  MergedWithNext: (isMatch, isAfterMatch) => !isMatch && isAfterMatch,
};
