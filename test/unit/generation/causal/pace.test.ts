import { describe, expect, it } from '@jest/globals';
import { createPace } from '../../../../src/generation/causal/pace.ts';

/** The steps of each run, when the drafts of those before were kept or not. */
const stepsOf = (kept: readonly boolean[], ms: number | undefined, takesSteps = true): number[] => {
  const pace = createPace(takesSteps);
  return kept.map((areKept) => {
    const { steps } = pace;
    pace.note(areKept, ms);
    return steps;
  });
};

describe('the pace of a decoder', () => {
  it('grows while drafts are kept, and begins anew behind one that is not', () => {
    expect(stepsOf([true, true, true, true, true, true, false, true, true], 5)).toEqual([1, 2, 4, 8, 16, 16, 16, 1, 2]);
  });

  it('takes no longer than a reader of a stream waits', () => {
    expect(stepsOf([true, true, true, true], 60)).toEqual([1, 2, 4, 4]);
    expect(stepsOf([true, true, true], 1_000)).toEqual([1, 1, 1]);
  });

  it('knows nothing of steps by a prompt, nor of graphs that take none', () => {
    expect(stepsOf([true, true, true], undefined)).toEqual([1, 1, 1]);
    expect(stepsOf([true, true, true], 5, false)).toEqual([1, 1, 1]);
  });
});
