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

  private constructor(text: string, starts: Uint32Array, ends: Uint32Array, base: number) {
    this.text = text;
    this.#starts = starts;
    this.#ends = ends;
    this.#base = base;
  }

  /** A text as the caller sent it: each character came from itself. */
  static from(text: string): AlignedText {
    const starts = new Uint32Array(text.length);
    const ends = new Uint32Array(text.length);
    for (let index = 0; index < text.length; ) {
      const end = index + sizeAt(text, index);
      starts.fill(index, index, end);
      ends.fill(end, index, end);
      index = end;
    }
    return new AlignedText(text, starts, ends, 0);
  }

  /** The caller's range that the units `[from, to)` came from. */
  original(from: number, to: number): readonly [start: number, end: number] {
    return [this.#starts[this.#base + from] ?? 0, this.#ends[this.#base + to - 1] ?? 0];
  }

  slice(from: number, to: number): AlignedText {
    return new AlignedText(this.text.slice(from, to), this.#starts, this.#ends, this.#base + from);
  }

  /** Each character by what `map` makes of it, which came from the same place; an empty string removes it. */
  map(map: (character: string) => string): AlignedText {
    const characters: string[] = [];
    const changes: number[] = [];
    let leading = 0;
    for (const character of this.text) {
      const mapped = map(character);
      if (mapped === '') {
        if (changes.length === 0) leading++;
        else changes.push((changes.pop() ?? 0) - 1);
        continue;
      }
      let isFirst = true;
      for (const part of mapped) {
        characters.push(part);
        changes.push(isFirst ? 0 : 1);
        isFirst = false;
      }
    }
    return this.transform(characters, changes, leading);
  }

  /**
   * `characters` instead of this text, once its first `leading` characters are removed. `changes` says of each: 0 it stands
   * for the next character of this text, -n it does and the n after that are gone, positive: it is new, and came from where
   * the character before came from.
   */
  transform(characters: readonly string[], changes: readonly number[], leading = 0): AlignedText {
    const text = characters.join('');
    if (text === this.text) return this;
    const starts = new Uint32Array(text.length);
    const ends = new Uint32Array(text.length);
    let read = 0;
    for (let count = 0; count < leading; count++) read += sizeAt(this.text, read);
    let written = 0;
    characters.forEach((character, index) => {
      const change = changes[index] ?? 0;
      const source = change > 0 ? read - 1 : read;
      const [start, end] = source < 0 ? [0, 0] : this.original(source, source + 1);
      starts.fill(start, written, written + character.length);
      ends.fill(end, written, written + character.length);
      written += character.length;
      for (let consumed = change > 0 ? 1 : change; consumed <= 0; consumed++) read += sizeAt(this.text, read);
    });
    return new AlignedText(text, starts, ends, 0);
  }

  /** `content` for every match of `parts`, from where the last unit of the match came from. */
  replace(parts: readonly Part[], content: string): AlignedText {
    if (!parts.some(({ isMatch }) => isMatch)) return this;
    const text = parts.map(({ start, end, isMatch }) => (isMatch ? content : this.text.slice(start, end))).join('');
    const starts = new Uint32Array(text.length);
    const ends = new Uint32Array(text.length);
    let written = 0;
    for (const { start, end, isMatch } of parts) {
      if (isMatch) {
        const [from, to] = end === 0 ? [0, 0] : this.original(end - 1, end);
        starts.fill(from, written, written + content.length);
        ends.fill(to, written, written + content.length);
        written += content.length;
      } else {
        starts.set(this.#starts.subarray(this.#base + start, this.#base + end), written);
        ends.set(this.#ends.subarray(this.#base + start, this.#base + end), written);
        written += end - start;
      }
    }
    return new AlignedText(text, starts, ends, 0);
  }

  /** Each of `parts`, which cover the text in order, by its content, which came from the whole part. */
  rewrite(parts: readonly { readonly start: number; readonly end: number; readonly content: string }[]): AlignedText {
    const text = parts.map(({ content }) => content).join('');
    const starts = new Uint32Array(text.length);
    const ends = new Uint32Array(text.length);
    let written = 0;
    for (const { start, end, content } of parts) {
      const [from, to] = this.original(start, end);
      starts.fill(from, written, written + content.length);
      ends.fill(to, written, written + content.length);
      written += content.length;
    }
    return new AlignedText(text, starts, ends, 0);
  }

  /** `prefix` before the text, from where its first character came from. An empty text stays empty. */
  prepend(prefix: string): AlignedText {
    if (this.text === '') return this;
    const [start, end] = this.original(0, 1);
    const starts = new Uint32Array(prefix.length + this.text.length).fill(start, 0, prefix.length);
    const ends = new Uint32Array(prefix.length + this.text.length).fill(end, 0, prefix.length);
    starts.set(this.#starts.subarray(this.#base, this.#base + this.text.length), prefix.length);
    ends.set(this.#ends.subarray(this.#base, this.#base + this.text.length), prefix.length);
    return new AlignedText(prefix + this.text, starts, ends, 0);
  }

  /** The pieces between (and, as `behaviour` says, with) the matches among `parts`, which cover the text; empty ones are left out. */
  split(parts: readonly Part[], behaviour: SplitBehaviour): AlignedText[] {
    const pieces: AlignedText[] = [];
    for (const [start, end] of ranges(parts, behaviour)) if (end > start) pieces.push(this.slice(start, end));
    return pieces;
  }
}

const ranges = (parts: readonly Part[], behaviour: SplitBehaviour): [start: number, end: number][] => {
  const merged: [number, number][] = [];
  let previous = false;
  if (behaviour === 'MergedWithNext') {
    for (const { start, end, isMatch } of parts) {
      const last = merged.at(-1);
      if (previous && !isMatch && last !== undefined) last[1] = end;
      else merged.push([start, end]);
      previous = isMatch;
    }
    return merged;
  }
  for (const { start, end, isMatch } of parts) {
    const last = merged.at(-1);
    const joins = behaviour === 'Contiguous' ? isMatch === previous : isMatch && !previous;
    if (behaviour === 'Removed' ? !isMatch : behaviour === 'Isolated' || !joins || last === undefined)
      merged.push([start, end]);
    else if (behaviour !== 'Removed' && last !== undefined) last[1] = end;
    previous = isMatch;
  }
  return merged;
};
