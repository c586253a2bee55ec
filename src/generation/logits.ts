import { type GenerationConfig, lengthLimit, lowerLimit } from './generation-config.ts';

/**
 * Changes the scores of the next token in place: logits in greedy, log-probabilities in beam search.
 * @param scores float32[V]
 * @param ids the hypothesis so far, its prompt included
 */
export type LogitsProcessor = (scores: Float32Array, ids: readonly number[]) => void;

const BANNED = Number.NEGATIVE_INFINITY;

const ban =
  (tokens: readonly number[]): LogitsProcessor =>
  (scores) => {
    for (const token of tokens) if (token < scores.length) scores[token] = BANNED;
  };

/** Leaves no choice but `tokens`. */
const force = (tokens: readonly number[]): LogitsProcessor => {
  return (scores) => {
    scores.fill(BANNED);
    for (const token of tokens) scores[token] = 0;
  };
};

const when =
  (condition: (length: number) => boolean, processor: LogitsProcessor): LogitsProcessor =>
  (scores, ids) => {
    if (condition(ids.length)) processor(scores, ids);
  };

const penalizeRepetition =
  (penalty: number): LogitsProcessor =>
  (scores, ids) => {
    for (const token of new Set(ids)) {
      const score = scores[token] as number;
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  };

/** Whether `part` stands in `ids` at `start`. */
const standsAt = (ids: readonly number[], start: number, part: readonly number[]): boolean => {
  for (let index = 0; index < part.length; index += 1) if (ids[start + index] !== part[index]) return false;
  return true;
};

/** Bans each token that would repeat an n-gram of the hypothesis. */
const banRepeatedNgrams =
  (size: number): LogitsProcessor =>
  (scores, ids) => {
    const prefix = ids.slice(ids.length - size + 1);
    if (prefix.length !== size - 1) return;
    for (let start = 0; start + size <= ids.length; start += 1)
      if (standsAt(ids, start, prefix)) scores[ids[start + size - 1] as number] = BANNED;
  };

/** Bans the last token of a word of several when those before it have just been generated. */
const banWord = (word: readonly number[]): LogitsProcessor => {
  const prefix = word.slice(0, -1);
  const last = word.slice(-1);
  const banLast = ban(last);
  return (scores, ids) => {
    if (ids.length >= word.length && standsAt(ids, ids.length - prefix.length, prefix)) banLast(scores, ids);
  };
};

const isEos = ([first, ...others]: readonly number[], eosTokenIds: readonly number[]): boolean =>
  others.length === 0 && eosTokenIds.includes(first as number);

/** exp(-i / 64): what is smaller than the last of them adds nothing that a float32 could show. */
const STEPS = 64;
const EXPONENTIALS = Float64Array.from({ length: 40 * STEPS }, (_, index) => Math.exp(-index / STEPS));

/**
 * log Σ exp(scores). Of a vocabulary of 60,000 for each of several beams, `Math.exp` would take a third of a translation's time: its
 * Taylor polynomial around the next entry of a table is three times as fast, and right to 3e-9.
 */
const logSumExp = (scores: Float32Array): number => {
  let max = -Number.MAX_VALUE; // no infinity: scores that are banned are, and the difference of two is no number
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] as number;
    if (score > max) max = score;
  }
  let sum = 0;
  for (let index = 0; index < scores.length; index += 1) {
    const position = (max - (scores[index] as number)) * STEPS;
    if (position >= EXPONENTIALS.length) continue;
    const entry = position | 0;
    const rest = (position - entry) * (1 / STEPS);
    sum += (EXPONENTIALS[entry] as number) * (1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6))));
  }
  return max + Math.log(sum);
};

/** Turns logits float32[V] into log-probabilities, in place. */
export const toLogProbabilities = (scores: Float32Array): void => {
  const normalizer = logSumExp(scores);
  for (let index = 0; index < scores.length; index += 1) scores[index] = (scores[index] as number) - normalizer;
};

/** What `config` asks for, in the order in which transformers does it (`GenerationMixin._get_logits_processor`); `extra` comes last. */
export const logitsProcessors = (
  config: GenerationConfig,
  promptLength: number,
  extra: readonly LogitsProcessor[] = [],
): LogitsProcessor[] => {
  const { eosTokenIds, forcedBosTokenId, forcedEosTokenIds, badWordsIds } = config;
  const limit = lengthLimit(config, promptLength);
  const shortest = lowerLimit(config, promptLength);
  const words = badWordsIds.filter((word) => !isEos(word, eosTokenIds));
  const begin = promptLength > 1 || forcedBosTokenId === undefined ? promptLength : promptLength + 1;
  const optional: readonly (readonly [boolean, () => LogitsProcessor])[] = [
    [config.repetitionPenalty !== 1, () => penalizeRepetition(config.repetitionPenalty)],
    [config.noRepeatNgramSize > 0, () => banRepeatedNgrams(config.noRepeatNgramSize)],
    [words.some(({ length }) => length === 1), () => ban(words.filter(({ length }) => length === 1).flat())],
    ...words.filter(({ length }) => length > 1).map((word) => [true, () => banWord(word)] as const),
    [shortest > 0, () => when((length) => length < shortest, ban(eosTokenIds))],
    [forcedBosTokenId !== undefined, () => when((length) => length === 1, force([forcedBosTokenId as number]))],
    [forcedEosTokenIds.length > 0, () => when((length) => length === limit - 1, force(forcedEosTokenIds))],
    [config.suppressTokens.length > 0, () => ban(config.suppressTokens)],
    [config.beginSuppressTokens.length > 0, () => when((length) => length === begin, ban(config.beginSuppressTokens))],
  ];
  const processors = optional.flatMap(([asked, create]) => (asked ? [create()] : []));
  return [...processors, ...extra, ...(config.renormalizeLogits ? [toLogProbabilities] : [])];
};
