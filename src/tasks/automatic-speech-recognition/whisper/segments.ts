/** Steps of a timestamp in frames: 0.02 s of 100 frames a second. */
const FRAMES_PER_TIMESTAMP = 2;

/** Tokens of complete segments, and the number of frames that they stand for. The frames behind them are decoded again. */
interface DecodedSegments {
  readonly tokens: readonly number[];
  readonly frames: number;
}

/**
 * Cuts generated tokens behind the last pair of timestamps, where one segment ends and the next one begins. A segment without an end may go on
 * in the audio that follows. A lone timestamp at the end means that nobody speaks after it.
 * (`_retrieve_segment` of transformers 4.57)
 *
 * @param frames of the audio from which the tokens were generated
 */
export const cutAtTimestamps = (tokens: readonly number[], firstTimestamp: number, frames: number): DecodedSegments => {
  const timestampAt = (index: number): number => (tokens[index] ?? -1) - firstTimestamp;
  const isTimestamp = (index: number): boolean => timestampAt(index) >= 0;
  const last = tokens.length - 1;
  const endsWithLone = tokens.length >= 2 && isTimestamp(last) && !isTimestamp(last - 1);
  const second = tokens.findLastIndex((_, index) => index > 0 && isTimestamp(index) && isTimestamp(index - 1));
  if (endsWithLone || second < 0) return { tokens, frames };
  const decoded = timestampAt(second - 1) * FRAMES_PER_TIMESTAMP;
  // Without a step forward there would be no end.
  return { tokens: tokens.slice(0, second + 1), frames: decoded > 0 ? decoded : frames };
};
