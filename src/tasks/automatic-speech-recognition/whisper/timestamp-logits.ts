import type { LogitsProcessor } from '../../../generation/logits.ts';
import type { TimestampTokens } from './whisper-config.ts';

const BANNED = Number.NEGATIVE_INFINITY;

const largest = (scores: Float32Array, start: number, end: number): number => {
  let max = BANNED;
  for (let token = start; token < end; token += 1) if ((scores[token] ?? 0) > max) max = scores[token] ?? 0;
  return max;
};

/** log Σ exp(scores[start…]); minus infinity for an empty sum. */
const logSumExp = (scores: Float32Array, start: number): number => {
  const max = largest(scores, start, scores.length);
  if (max === BANNED) return BANNED;
  let sum = 0;
  for (let token = start; token < scores.length; token += 1) sum += Math.exp((scores[token] ?? 0) - max);
  return max + Math.log(sum);
};

/**
 * Bans the timestamps that cannot be next, like `WhisperTimeStampLogitsProcessor` of transformers 4.57: timestamps come in pairs, never go
 * back, and begin the text. A timestamp is next when all of them together are likelier than any word.
 * @param promptLength number of tokens before the first generated one
 */
export const createTimestampProcessor = (
  { noTimestamps, first, eos, maxInitialIndex }: TimestampTokens,
  promptLength: number,
): LogitsProcessor => {
  const isTimestamp = (token: number | undefined): boolean => token !== undefined && token >= first;

  return (scores, ids) => {
    scores[noTimestamps] = BANNED;
    const generated = ids.length - promptLength;
    const lastWas = generated >= 1 && isTimestamp(ids.at(-1));
    const secondLastWas = generated < 2 || isTimestamp(ids.at(-2));
    if (lastWas && secondLastWas) scores.fill(BANNED, first);
    if (lastWas && !secondLastWas) scores.fill(BANNED, 0, eos);

    const latest = ids.findLast((token, index) => index >= promptLength && isTimestamp(token));
    // Only the second of a pair may repeat the one before.
    if (latest !== undefined) scores.fill(BANNED, first, lastWas && !secondLastWas ? latest : latest + 1);

    if (generated === 0) {
      scores.fill(BANNED, 0, first);
      if (maxInitialIndex !== undefined) scores.fill(BANNED, first + maxInitialIndex + 1);
    }

    if (logSumExp(scores, first) > largest(scores, 0, first)) scores.fill(BANNED, 0, first);
  };
};
