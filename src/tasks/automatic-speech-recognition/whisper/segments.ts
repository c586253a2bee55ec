/** Steps of a timestamp in frames: 0.02 s of 100 frames a second. */
const FRAMES_PER_TIMESTAMP = 2;

/** What to keep of the tokens that were generated for some frames. */
interface Heard {
  readonly tokens: readonly number[];
  /** How many of the frames they speak for; what comes behind is listened to again. */
  readonly frames: number;
}

/**
 * Cuts behind the last pair of timestamps, where Whisper says that one segment ends and the next begins: what was begun behind it may
 * go on past the end of what was heard. A lone timestamp at the end says that nothing more is spoken.
 * (`_retrieve_segment` of transformers 4.57)
 */
export const cutAtTimestamps = (tokens: readonly number[], firstTimestamp: number, frames: number): Heard => {
  const isTimestamp = (index: number): boolean => (tokens[index] ?? -1) >= firstTimestamp;
  const last = tokens.length - 1;
  const endsWithLone = tokens.length >= 2 && isTimestamp(last) && !isTimestamp(last - 1);
  const second = tokens.findLastIndex((_, index) => index > 0 && isTimestamp(index) && isTimestamp(index - 1));
  if (endsWithLone || second < 0) return { tokens, frames };
  const heard = ((tokens[second - 1] as number) - firstTimestamp) * FRAMES_PER_TIMESTAMP;
  // Without a step forward there would be no end.
  return { tokens: tokens.slice(0, second + 1), frames: heard > 0 ? heard : frames };
};
