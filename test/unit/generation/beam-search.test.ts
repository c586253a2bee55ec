import { describe, expect, it } from '@jest/globals';
import { createBeamSearch } from '../../../src/generation/beam-search.ts';
import { parseGenerationConfig } from '../../../src/generation/generation-config.ts';
import type { Generated, Hypothesis } from '../../../src/generation/search.ts';

const [START, END, A, B] = [0, 1, 2, 3];

/** Probabilities of END, A and B by what has been generated; a step that is not named ends. */
type Probabilities = Readonly<Record<string, readonly [end: number, a: number, b: number]>>;

const search = (probabilities: Probabilities, fields: object): Generated => {
  const config = parseGenerationConfig({ decoder_start_token_id: START, eos_token_id: END, num_beams: 2, ...fields });
  const maxLength = config.maxLength ?? 7;
  const beams = createBeamSearch(
    { promptLength: 1, maxLength, eosTokenIds: config.eosTokenIds, processors: [] },
    config,
  );
  const logitsAfter = ({ ids }: Hypothesis): Float32Array => {
    const generated = ids
      .slice(1)
      .map((id) => (id === A ? 'a' : 'b'))
      .join('');
    return Float32Array.from([0, ...(probabilities[generated] ?? [1, 0, 0])], Math.log);
  };
  let hypotheses: readonly Hypothesis[] = [{ ids: [START], row: 0 }];
  while (hypotheses.length > 0)
    hypotheses = beams.advance(hypotheses.map((hypothesis) => ({ ...hypothesis, logits: logitsAfter(hypothesis) })));
  return beams.result();
};

/** The end at once is likeliest; "ba" is better than both that are finished by the second step, at the length it then has. */
const IMPROVABLE = { '': [0.5, 0.25, 0.25], a: [0.5, 0.4, 0.1], b: [0.01, 0.99, 0] } as const;

/** "ba" is worse than both at that length, and better than both once it has grown. */
const LATE = {
  '': [0.5, 0.3, 0.2],
  a: [0.9, 0.1, 0],
  b: [0.01, 0.99, 0],
  ba: [0, 0.99, 0.01],
  baa: [0, 0.99, 0.01],
} as const;

describe('beam search', () => {
  it('finds what greedy search misses', () => {
    const { ids, score } = search({ '': [0, 0.6, 0.4], a: [0.4, 0.3, 0.3], b: [1, 0, 0] }, {});
    expect(ids).toEqual([B]);
    expect(score).toBeCloseTo(Math.log(0.4) / 2, 6);
  });

  it('stops with early_stopping as soon as all beams have ended', () => {
    expect(search(IMPROVABLE, { early_stopping: true }).ids).toEqual([]);
  });

  it('goes on without it while a hypothesis is better than the worst that has ended', () => {
    expect(search(IMPROVABLE, { early_stopping: false }).ids).toEqual([B, A]);
    expect(search(LATE, { early_stopping: false }).ids).toEqual([A]);
  });

  it('goes on with "never" while one may become better by growing', () => {
    expect(search(LATE, { early_stopping: 'never' }).ids).toEqual([B, A, A, A]);
    expect(search(LATE, { early_stopping: 'never', length_penalty: -1 }).ids).toEqual([]);
  });

  it('prefers long or short hypotheses as length_penalty says', () => {
    const even = { '': [0.5, 0.5, 0], a: [0.5, 0.5, 0], aa: [1, 0, 0] } as const;
    expect(search(even, { length_penalty: 0 }).ids).toEqual([]);
    expect(search(even, { length_penalty: 3 }).ids).toEqual([A, A]);
  });

  it('takes hypotheses as they are where they may grow no longer', () => {
    const { ids, score } = search({ '': [0.1, 0.9, 0], a: [0.1, 0, 0.9] }, { max_length: 3 });
    expect(ids).toEqual([A, B]);
    expect(score).toBeCloseTo(Math.log(0.81) / 2, 6);
  });

  it('keeps going when more beams end than go on, several ends included', () => {
    const config = { eos_token_id: [END, B], num_beams: 1 + 1, max_length: 4 };
    const { ids } = search({ '': [0.3, 0.1, 0.6], a: [0.01, 0.98, 0.01], aa: [0.01, 0.01, 0.98] }, config);
    expect(ids).toEqual([]);
    expect(search({ '': [0.02, 0.96, 0.02], a: [0.3, 0.1, 0.6] }, config).ids).toEqual([A]);
  });
});
