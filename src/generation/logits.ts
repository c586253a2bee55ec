import { type GenerationConfig, lengthLimit, lowerLimit } from './generation-config.ts';

/**
 * Changes the scores of the next token in place: logits in greedy search, log-probabilities in beam search.
 * @param scores float32[V]
 * @param ids tokens of the hypothesis so far, its prompt included
 */
export type LogitsProcessor = (scores: Float32Array, ids: readonly number[]) => void;

const BANNED = Number.NEGATIVE_INFINITY;

export const ban =
  (tokens: readonly number[]): LogitsProcessor =>
  (scores) => {
    for (const token of tokens) if (token < scores.length) scores[token] = BANNED;
  };

/** Bans all tokens but `tokens`. */
const force =
  (tokens: readonly number[]): LogitsProcessor =>
  (scores) => {
    scores.fill(BANNED);
    for (const token of tokens) scores[token] = 0;
  };

export const when =
  (condition: (length: number) => boolean, processor: LogitsProcessor): LogitsProcessor =>
  (scores, ids) => {
    if (condition(ids.length)) processor(scores, ids);
  };

export const penalizeRepetition =
  (penalty: number): LogitsProcessor =>
  (scores, ids) => {
    for (const token of new Set(ids)) {
      const score = scores[token] ?? 0;
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  };

/** Tells whether `ids` contains `sequence` at `start`. */
const containsAt = (ids: readonly number[], start: number, sequence: readonly number[]): boolean => {
  for (let index = 0; index < sequence.length; index += 1) if (ids[start + index] !== sequence[index]) return false;
  return true;
};

/** Bans each token that would repeat an n-gram of the hypothesis. */
export const banRepeatedNgrams =
  (size: number): LogitsProcessor =>
  (scores, ids) => {
    const prefix = ids.slice(ids.length - size + 1);
    if (prefix.length !== size - 1) return;
    for (let start = 0; start + size <= ids.length; start += 1) {
      const repeated = ids[start + size - 1];
      if (repeated !== undefined && containsAt(ids, start, prefix)) scores[repeated] = BANNED;
    }
  };

/** Bans the last token of a word of several tokens when the hypothesis ends with the others. */
export const banWord = (word: readonly number[]): LogitsProcessor => {
  const prefix = word.slice(0, -1);
  const last = word.slice(-1);
  const banLast = ban(last);
  return (scores, ids) => {
    if (ids.length >= word.length && containsAt(ids, ids.length - prefix.length, prefix)) banLast(scores, ids);
  };
};

const isEos = (word: readonly number[], eosTokenIds: readonly number[]): boolean =>
  word.length === 1 && word.every((token) => eosTokenIds.includes(token));

/** exp(-i / 64). Smaller values than the last one do not change a sum in float32. */
const STEPS = 64;
const EXPONENTIALS = Float64Array.from({ length: 40 * STEPS }, (_, index) => Math.exp(-index / STEPS));

/**
 * log Σ exp(scores). For a vocabulary of 60,000 and several beams, `Math.exp` would take a third of a translation's time. The
 * Taylor polynomial around the nearest entry of a table is three times as fast, with an error of at most 3e-9.
 */
export const logSumExp = (scores: Float32Array): number => {
  let max = -Number.MAX_VALUE; // not infinity, the score of banned tokens: the difference of two would be NaN
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] ?? 0;
    if (score > max) max = score;
  }
  let sum = 0;
  for (let index = 0; index < scores.length; index += 1) {
    const position = (max - (scores[index] ?? 0)) * STEPS;
    if (position >= EXPONENTIALS.length) continue;
    const entry = position | 0;
    const rest = (position - entry) * (1 / STEPS);
    sum += (EXPONENTIALS[entry] ?? 0) * (1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6))));
  }
  return max + Math.log(sum);
};

/** Replaces logits float32[V] by their log-probabilities. */
export const toLogProbabilities = (scores: Float32Array): void => {
  const normalizer = logSumExp(scores);
  for (let index = 0; index < scores.length; index += 1) scores[index] = (scores[index] ?? 0) - normalizer;
};

/** The processors of `config` in the order of transformers (`GenerationMixin._get_logits_processor`), then those of `extra`. */
export const logitsProcessors = (
  config: GenerationConfig,
  promptLength: number,
  extra: readonly LogitsProcessor[] = [],
): LogitsProcessor[] => {
  const { eosTokenIds, forcedBosTokenId, forcedEosTokenIds } = config;
  const limit = lengthLimit(config, promptLength);
  const shortest = lowerLimit(config, promptLength);
  const badWords = config.badWordsIds.filter((word) => !isEos(word, eosTokenIds));
  const badTokens = badWords.filter(({ length }) => length === 1).flat();
  const longBadWords = badWords.filter(({ length }) => length > 1);
  const begin = promptLength > 1 || forcedBosTokenId === undefined ? promptLength : promptLength + 1;

  const processors: LogitsProcessor[] = [];
  if (config.repetitionPenalty !== 1) processors.push(penalizeRepetition(config.repetitionPenalty));
  if (config.noRepeatNgramSize > 0) processors.push(banRepeatedNgrams(config.noRepeatNgramSize));
  if (badTokens.length > 0) processors.push(ban(badTokens));
  processors.push(...longBadWords.map(banWord));
  if (shortest > 0) processors.push(when((length) => length < shortest, ban(eosTokenIds)));
  if (forcedBosTokenId !== undefined) processors.push(when((length) => length === 1, force([forcedBosTokenId])));
  if (forcedEosTokenIds.length > 0) processors.push(when((length) => length === limit - 1, force(forcedEosTokenIds)));
  if (config.suppressTokens.length > 0) processors.push(ban(config.suppressTokens));
  if (config.beginSuppressTokens.length > 0)
    processors.push(when((length) => length === begin, ban(config.beginSuppressTokens)));
  return [...processors, ...extra, ...(config.renormalizeLogits ? [toLogProbabilities] : [])];
};
