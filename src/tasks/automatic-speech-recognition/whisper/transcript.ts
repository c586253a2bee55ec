import { codeOfToken, languageName } from './languages.ts';
import { mergeOverlaps } from './merge-overlaps.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What was heard in a part of the recording. It overlaps with its neighbours; lengths are seconds. */
export interface HeardPart {
  /** Without the prompt and the end-of-sequence token. */
  readonly tokens: readonly number[];
  readonly length: number;
  /** How much of it the part before has heard as well, and the one behind. */
  readonly strideLeft: number;
  readonly strideRight: number;
  /** English name of the language it was taken for; undefined when the model does not say. */
  readonly language?: string;
}

/** A piece of the text from one timestamp to another, in seconds of the recording; null where Whisper gave none. */
export interface TextChunk {
  language: string | null;
  timestamp: [start: number | null, end: number | null];
  text: string;
}

/** Seconds from one timestamp token to the next, and how many of them a segment has. */
const TIME_PRECISION = 0.02;
const SEGMENT_SIZE = 1500;

const TIMESTAMP = /<\|\d+\.\d+\|>/g;

const toText = ({ tokenizer }: Vocabulary, tokens: readonly number[]): string =>
  tokenizer.decode(tokens).replaceAll(TIMESTAMP, '');

const toHundredths = (seconds: number): number => Number(seconds.toFixed(2));

/**
 * A part is heard in segments that each count from zero. Called with the place of every timestamp in turn, adds up where
 * their segments began.
 */
const createClock = (
  tokens: readonly number[],
  firstTimestamp: number,
  offset: number,
): ((index: number) => number) => {
  const isTimestamp = (index: number): boolean => (tokens[index] as number) >= firstTimestamp;
  let latest = 0;
  let beforeLatest = 0;
  let begin = 0;
  return (index) => {
    const time = ((tokens[index] as number) - firstTimestamp) * TIME_PRECISION;
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
 * The first of those timestamps at the end of a part that are left to the part behind; undefined when none is. The last one always is,
 * and all that lie in what both have heard.
 */
const firstLeftToNext = ({ tokens, length, strideRight }: HeardPart, firstTimestamp: number): number | undefined => {
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
 * Joins the parts of a recording to its text, in chunks between timestamps where there are any.
 * (`_decode_asr` of transformers 4.57, where the language is missing: its `generate` cuts off the prompt that holds it.)
 *
 * @param timestamps whether they were asked for; otherwise a change of language begins a new chunk
 */
export const toTextChunks = (parts: readonly HeardPart[], vocabulary: Vocabulary, timestamps: boolean): TextChunk[] => {
  const { tokenizer, specialIds, firstTimestamp } = vocabulary;
  const chunks: TextChunk[] = [];
  let language: string | null = null;
  let written: string | undefined;
  const newChunk = (): TextChunk => ({ language, timestamp: [null, null], text: '' });
  let chunk = newChunk();
  /** Of this chunk, one list for each part that contributed. */
  let previous: (readonly number[])[] = [];
  let current: number[] = [];
  let skip = false;
  let offset = 0;

  const finishChunk = (lists: readonly (readonly number[])[]): void => {
    chunks.push({ ...chunk, text: toText(vocabulary, mergeOverlaps(lists)) });
    previous = [];
    current = [];
    chunk = newChunk();
  };

  const changeLanguage = (name: string): void => {
    if (written !== undefined && name !== written && !timestamps) finishChunk([...previous, current]);
    written = name;
    language = name;
    chunk.language = name;
  };

  for (const part of parts) {
    const { tokens, length, strideLeft, strideRight } = part;
    offset -= strideLeft;
    const clock = createClock(tokens, firstTimestamp, offset);
    const leftToNext = firstLeftToNext(part, firstTimestamp);
    const firstOfOwn = firstTimestamp + strideLeft / TIME_PRECISION;
    language = part.language ?? language;
    chunk.language = language;

    tokens.forEach((token, index) => {
      if (token < firstTimestamp && !specialIds.has(token)) current.push(token);
      else if (token < firstTimestamp) {
        const name = languageName(codeOfToken(tokenizer.token(token) ?? ''));
        if (name !== undefined) changeLanguage(name);
      } else {
        const time = clock(index);
        const [start] = chunk.timestamp;
        // Timestamps come in pairs: when one is left to the next part, so is the other.
        if (leftToNext !== undefined && token >= leftToNext) skip = true;
        else if (skip || (previous.length > 0 && token < firstOfOwn)) skip = false;
        else if (start === null) chunk.timestamp[0] = time;
        else if (time !== start) {
          chunk.timestamp[1] = time;
          finishChunk([...previous, current]);
        }
      }
    });

    offset += length - strideRight;
    if (current.length > 0) previous.push(current);
    else if (previous.every((list) => list.length === 0)) {
      chunk = newChunk();
      previous = [];
    }
    current = [];
  }
  if (previous.length > 0) finishChunk(previous);
  return chunks;
};
