import { createChunkBuilder, type TextChunk } from './chunk-builder.ts';
import { codeOfToken, languageName } from './languages.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The tokens of a window of the audio. Windows overlap with their neighbours; lengths are seconds. */
export interface TranscribedWindow {
  /** Without the prompt and the end-of-sequence token. */
  readonly tokens: readonly number[];
  readonly length: number;
  /** Seconds that the window shares with the previous one and with the next one. */
  readonly strideLeft: number;
  readonly strideRight: number;
  /** English name of its language; undefined when the model does not say. */
  readonly language?: string;
}

/** Seconds from one timestamp token to the next, and the number of such steps in a segment. */
const TIME_PRECISION = 0.02;
const SEGMENT_SIZE = 1500;

const toHundredths = (seconds: number): number => Number(seconds.toFixed(2));

/**
 * A function from timestamps to seconds of the audio. It has to be called with every timestamp of the window in turn, and its place. A window is
 * decoded in segments that each count from zero: the function adds up their beginnings.
 */
const createClock = (
  tokens: readonly number[],
  firstTimestamp: number,
  offset: number,
): ((timestamp: number, index: number) => number) => {
  const isTimestamp = (index: number): boolean => (tokens[index] ?? -1) >= firstTimestamp;
  let latest = 0;
  let beforeLatest = 0;
  let begin = 0;
  return (timestamp, index) => {
    const time = (timestamp - firstTimestamp) * TIME_PRECISION;
    if (time < latest) {
      const endedAlone = index >= 2 && !(isTimestamp(index - 1) && isTimestamp(index - 2));
      if (endedAlone) begin += TIME_PRECISION * SEGMENT_SIZE;
      else {
        latest = beforeLatest;
        begin += beforeLatest;
      }
    }
    beforeLatest = latest;
    latest = time;
    return toHundredths(time + offset + begin);
  };
};

/**
 * The first of the timestamps at the end of a window that are left to the next window; undefined when none is. The last timestamp is always
 * left, and so are all timestamps in the audio that both windows share.
 */
const firstLeftToNext = (
  { tokens, length, strideRight }: TranscribedWindow,
  firstTimestamp: number,
): number | undefined => {
  if (strideRight === 0) return undefined;
  let found: number | undefined;
  for (const token of tokens.toReversed()) {
    if (token < firstTimestamp) continue;
    if (found !== undefined && (token - firstTimestamp) * TIME_PRECISION < length - strideRight) return found;
    found = token;
  }
  return found;
};

/**
 * Joins the windows of an audio file to its text, in chunks between timestamps if there are any.
 * (`_decode_asr` of transformers 4.57, where the language is missing: its `generate` cuts off the prompt that holds it.)
 *
 * @param timestamps true when the caller asked for them; otherwise a change of language begins a new chunk
 */
export const toTextChunks = (
  windows: readonly TranscribedWindow[],
  vocabulary: Vocabulary,
  timestamps: boolean,
): TextChunk[] => {
  const { tokenizer, specialIds, firstTimestamp } = vocabulary;
  const builder = createChunkBuilder(vocabulary, timestamps);
  let skip = false;
  let offset = 0;

  for (const window of windows) {
    const { tokens, length, strideLeft, strideRight } = window;
    offset -= strideLeft;
    const clock = createClock(tokens, firstTimestamp, offset);
    const leftToNext = firstLeftToNext(window, firstTimestamp);
    const firstOfOwn = firstTimestamp + strideLeft / TIME_PRECISION;
    builder.startWindow(window.language);

    for (const [index, token] of tokens.entries()) {
      if (token < firstTimestamp && !specialIds.has(token)) builder.addWord(token);
      else if (token < firstTimestamp) {
        const name = languageName(codeOfToken(tokenizer.token(token) ?? ''));
        if (name !== undefined) builder.addLanguage(name);
      } else {
        const time = clock(token, index);
        // Timestamps come in pairs: when one is left to the next window, so is the other.
        if (leftToNext !== undefined && token >= leftToNext) skip = true;
        else if (skip || (builder.beganEarlier() && token < firstOfOwn)) skip = false;
        else builder.addTimestamp(time);
      }
    }

    offset += length - strideRight;
    builder.endWindow();
  }
  return builder.finish();
};
