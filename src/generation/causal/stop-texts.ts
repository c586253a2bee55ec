/** Finds texts that end an answer, across the borders of its pieces. */
export interface StopTexts {
  /** @returns the text that no stop may begin in, and whether one was found behind it */
  push(piece: string): { readonly text: string; readonly isFound: boolean };
  /** The text that was held back. */
  end(): string;
}

/** The number of characters at the end of `text` with which `stop` may begin. */
const overlap = (text: string, stop: string): number => {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
};

export const createStopTexts = (stops: readonly string[]): StopTexts => {
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
      if (places.length > 0) {
        held = '';
        return { text: text.slice(0, Math.min(...places)), isFound: true };
      }
      const certain = text.length - Math.max(0, ...stops.map((stop) => overlap(text, stop)));
      held = text.slice(certain);
      return { text: text.slice(0, certain), isFound: false };
    },
    end() {
      const text = held;
      held = '';
      return text;
    },
  };
};
