import { describe, expect, it } from '@jest/globals';
import { parseGenerationDefaults } from '../../../../src/generation/causal/generation-defaults.ts';
import { causalProcessors } from '../../../../src/generation/causal/processors.ts';
import { readGenerationParameters } from '../../../../src/tasks/text-generation/parameters.ts';

const END = 2;
const PROMPT = [5, 6, 7];

/** The number of new tokens from which on the answer may end. */
const fewestTokens = (settings: object, request: Readonly<Record<string, unknown>>): number => {
  const defaults = parseGenerationDefaults({ eos_token_id: END, ...settings });
  const processors = causalProcessors(defaults, readGenerationParameters(request, defaults), PROMPT.length);
  const mayEnd = (count: number): boolean => {
    const scores = new Float32Array(8);
    for (const process of processors) process(scores, [...PROMPT, ...Array.from({ length: count }, () => 4)]);
    return scores[END] !== Number.NEGATIVE_INFINITY;
  };
  return Array.from({ length: 20 }, (_, count) => count).findIndex(mayEnd);
};

describe('the fewest tokens of an answer', () => {
  it.each([
    ['none by themselves', {}, {}, 0],
    ['those of min_length without the prompt', { min_length: 10 }, {}, 7],
    ['those of min_new_tokens', { min_new_tokens: 4 }, {}, 4],
    ['min_new_tokens of the model before its min_length', { min_length: 10, min_new_tokens: 4 }, {}, 4],
    ['min_new_tokens of the request before min_length of the model', { min_length: 10 }, { min_new_tokens: 4 }, 4],
    ['0 of the request before min_length of the model', { min_length: 10 }, { min_new_tokens: 0 }, 0],
    ['min_new_tokens of the request before the model', { min_new_tokens: 9 }, { min_new_tokens: 4 }, 4],
  ])('are %s, as in transformers', (_what, settings, request, fewest) => {
    expect(fewestTokens(settings, request)).toBe(fewest);
  });
});
