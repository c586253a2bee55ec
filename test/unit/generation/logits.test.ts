import { describe, expect, it } from '@jest/globals';
import { parseGenerationConfig } from '../../../src/generation/generation-config.ts';
import { logitsProcessors, toLogProbabilities } from '../../../src/generation/logits.ts';

const X = Number.NEGATIVE_INFINITY;

/** What becomes of six tokens' scores when `ids` have been generated, the first of them the prompt. */
const process = (fields: object, ids: readonly number[], scores = [1, 2, 3, 4, -5, 6]): number[] => {
  const config = parseGenerationConfig({ decoder_start_token_id: 0, eos_token_id: 1, max_length: 8, ...fields });
  const processed = Float32Array.from(scores);
  for (const change of logitsProcessors(config, 1)) change(processed, ids);
  return [...processed];
};

describe('logits processors', () => {
  it('leave scores alone when nothing is asked for', () => {
    expect(process({}, [0, 2])).toEqual([1, 2, 3, 4, -5, 6]);
  });

  it('never let tokens come that are suppressed, whatever their number', () => {
    expect(process({ suppress_tokens: [2, 5, 99] }, [0])).toEqual([1, 2, X, 4, -5, X]);
  });

  it('suppress tokens at the beginning only', () => {
    expect(process({ begin_suppress_tokens: [3] }, [0])).toEqual([1, 2, 3, X, -5, 6]);
    expect(process({ begin_suppress_tokens: [3] }, [0, 2])).toEqual([1, 2, 3, 4, -5, 6]);
  });

  it('begin behind the language, where that is forced', () => {
    const fields = { begin_suppress_tokens: [3], forced_bos_token_id: 5 };
    expect(process(fields, [0])).toEqual([X, X, X, X, X, 0]);
    expect(process(fields, [0, 5])).toEqual([1, 2, 3, X, -5, 6]);
  });

  it('force the end where no room is left', () => {
    expect(process({ forced_eos_token_id: 1 }, [0, 2, 3, 2, 3, 2])).toEqual([1, 2, 3, 4, -5, 6]);
    expect(process({ forced_eos_token_id: 1 }, [0, 2, 3, 2, 3, 2, 3])).toEqual([X, 0, X, X, X, X]);
  });

  it('ban bad words, of several tokens when those before the last have come, and never the end', () => {
    const fields = { bad_words_ids: [[4], [2, 3, 5], [1]] };
    expect(process(fields, [0, 3])).toEqual([1, 2, 3, 4, X, 6]);
    expect(process(fields, [0, 2, 3])).toEqual([1, 2, 3, 4, X, X]);
    expect(process(fields, [3])).toEqual([1, 2, 3, 4, X, 6]);
  });

  it('let no n-gram come twice', () => {
    expect(process({ no_repeat_ngram_size: 2 }, [0, 2, 3, 2, 4, 2])).toEqual([1, 2, 3, X, X, 6]);
    expect(process({ no_repeat_ngram_size: 1 }, [0, 2])).toEqual([X, 2, X, 4, -5, 6]);
    expect(process({ no_repeat_ngram_size: 3 }, [0])).toEqual([1, 2, 3, 4, -5, 6]);
  });

  it('make what has come less likely once, whatever its sign', () => {
    expect(process({ repetition_penalty: 2 }, [0, 4, 3, 3])).toEqual([0.5, 2, 3, 2, -10, 6]);
  });

  it('hold the end back until a hypothesis is long enough', () => {
    expect(process({ min_length: 3 }, [0, 2])).toEqual([1, X, 3, 4, -5, 6]);
    expect(process({ min_length: 3 }, [0, 2, 2])).toEqual([1, 2, 3, 4, -5, 6]);
    expect(process({ min_new_tokens: 2 }, [0, 2])).toEqual([1, X, 3, 4, -5, 6]);
    expect(process({ min_new_tokens: 2 }, [0, 2, 2])).toEqual([1, 2, 3, 4, -5, 6]);
  });

  it('make probabilities of what is left when asked to', () => {
    const scores = process({ suppress_tokens: [0, 5], renormalize_logits: true }, [0]);
    expect(scores.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 6);
  });
});

describe('log-probabilities', () => {
  it('are exact for scores that exponentials cannot hold', () => {
    const scores = Float32Array.from([1000, 1001, X, -1000]);
    toLogProbabilities(scores);
    const [first = 0, second = 0, banned, last = 0] = scores;
    expect(first).toBeCloseTo(-1.3132616875, 6);
    expect(second).toBeCloseTo(-0.3132616875, 6);
    expect(banned).toBe(X);
    expect(last).toBeCloseTo(-2001.3132616875, 3);
  });

  it('do not depend on the order of scores', () => {
    const [up, down] = [Float32Array.from([X, 1, 5, 90]), Float32Array.from([90, 5, 1, X])];
    toLogProbabilities(up);
    toLogProbabilities(down);
    expect([...up]).toEqual([...down].reverse());
  });
});
