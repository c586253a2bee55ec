import { lowerLimit } from '../generation-config.ts';
import { ban, banRepeatedNgrams, banWord, type LogitsProcessor, penalizeRepetition, when } from '../logits.ts';
import type { GenerationDefaults } from './generation-defaults.ts';

/** Changes of the logits that a request asks for. */
export interface LogitChanges {
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** Added to the logit of each token. */
  readonly logitBias: readonly (readonly [id: number, bias: number])[];
  /** Undefined for the `minLength` of the model. */
  readonly minNewTokens: number | undefined;
}

const addBias =
  (biases: LogitChanges['logitBias']): LogitsProcessor =>
  (scores) => {
    for (const [id, bias] of biases) if (id < scores.length) scores[id] = (scores[id] ?? 0) + bias;
  };

/** Lowers the tokens of the answer so far: each by `presence`, and by `frequency` for each time. https://platform.openai.com/docs/api-reference */
const penalizeTokens = (promptLength: number, frequency: number, presence: number): LogitsProcessor => {
  const counts = new Map<number, number>();
  let seen = promptLength;
  return (scores, ids) => {
    for (; seen < ids.length; seen += 1) {
      const id = ids[seen] ?? 0;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const [id, times] of counts) scores[id] = (scores[id] ?? 0) - presence - frequency * times;
  };
};

/** The processors of one answer, in the order of transformers (`GenerationMixin._get_logits_processor`). */
export const causalProcessors = (
  { eosTokenIds, minLength, noRepeatNgramSize, badWordsIds, suppressTokens, beginSuppressTokens }: GenerationDefaults,
  { repetitionPenalty, frequencyPenalty, presencePenalty, logitBias, minNewTokens }: LogitChanges,
  promptLength: number,
): LogitsProcessor[] => {
  const shortest = lowerLimit({ minLength, minNewTokens }, promptLength);
  const badWords = badWordsIds.filter((word) => !(word.length === 1 && eosTokenIds.includes(word[0] ?? -1)));
  const processors: LogitsProcessor[] = [];
  if (logitBias.length > 0) processors.push(addBias(logitBias));
  if (repetitionPenalty !== 1) processors.push(penalizeRepetition(repetitionPenalty));
  if (frequencyPenalty !== 0 || presencePenalty !== 0)
    processors.push(penalizeTokens(promptLength, frequencyPenalty, presencePenalty));
  if (noRepeatNgramSize > 0) processors.push(banRepeatedNgrams(noRepeatNgramSize));
  for (const word of badWords) processors.push(word.length === 1 ? ban(word) : banWord(word));
  if (shortest > promptLength) processors.push(when((length) => length < shortest, ban(eosTokenIds)));
  if (suppressTokens.length > 0) processors.push(ban(suppressTokens));
  if (beginSuppressTokens.length > 0)
    processors.push(when((length) => length === promptLength, ban(beginSuppressTokens)));
  return processors;
};
