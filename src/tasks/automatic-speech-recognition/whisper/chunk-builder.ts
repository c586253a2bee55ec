import { mergeOverlaps } from './merge-overlaps.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A piece of the text from one timestamp to another, in seconds of the audio; null for a missing timestamp. */
export interface TextChunk {
  language: string | null;
  timestamp: [start: number | null, end: number | null];
  text: string;
}

const TIMESTAMP = /<\|\d+\.\d+\|>/g;

const toText = ({ tokenizer }: Vocabulary, tokens: readonly number[]): string =>
  tokenizer.decode(tokens).replaceAll(TIMESTAMP, '');

const emptyChunk = (language: string | null): TextChunk => ({ language, timestamp: [null, null], text: '' });

/** Collects tokens into chunks. A chunk may begin in one window and end in a later one. */
export const createChunkBuilder = (vocabulary: Vocabulary, timestamps: boolean) => {
  const chunks: TextChunk[] = [];
  let language: string | null = null;
  let written: string | undefined;
  let chunk = emptyChunk(language);
  /** Tokens of the open chunk: a list for each earlier window, and the tokens of the present window. */
  let previous: (readonly number[])[] = [];
  let current: number[] = [];

  const finishChunk = (lists: readonly (readonly number[])[]): void => {
    chunks.push({ ...chunk, text: toText(vocabulary, mergeOverlaps(lists)) });
    previous = [];
    current = [];
    chunk = emptyChunk(language);
  };

  return {
    startWindow(name: string | undefined): void {
      language = name ?? language;
      chunk.language = language;
    },

    addWord(token: number): void {
      current.push(token);
    },

    addLanguage(name: string): void {
      if (written !== undefined && name !== written && !timestamps) finishChunk([...previous, current]);
      written = name;
      language = name;
      chunk.language = name;
    },

    /** Begins or ends the open chunk. */
    addTimestamp(time: number): void {
      const [start] = chunk.timestamp;
      if (start === null) chunk.timestamp[0] = time;
      else if (time !== start) {
        chunk.timestamp[1] = time;
        finishChunk([...previous, current]);
      }
    },

    beganEarlier: (): boolean => previous.length > 0,

    endWindow(): void {
      if (current.length > 0) previous.push(current);
      else if (previous.every((list) => list.length === 0)) {
        chunk = emptyChunk(language);
        previous = [];
      }
      current = [];
    },

    finish(): TextChunk[] {
      if (previous.length > 0) finishChunk(previous);
      return chunks;
    },
  };
};
