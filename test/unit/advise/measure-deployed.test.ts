import { describe, expect, it } from '@jest/globals';
import { cheapest } from '../../../src/advise/estimate.ts';
import { measureDeployed, type TunableFunction, trim } from '../../../src/advise/measure-deployed.ts';
import { withOverrides } from '../../../src/advise/prices.ts';

/** A function that takes 100 ms with 1,024 MB. It has no room below 512 MB, now and then at 600 MB, and is disturbed at every tenth call. */
const createFunction = (): TunableFunction => {
  let memoryMb = 0;
  return {
    architecture: 'arm64',
    resize: async (size) => {
      memoryMb = size;
    },
    invoke: async (request) => {
      const durationMs = (100 * 1024) / memoryMb;
      if (memoryMb < 512)
        return { durationMs, initMs: undefined, problem: 'Runtime exited with error: signal: killed' };
      if (memoryMb === 600 && request % 8 === 7) return { durationMs, initMs: undefined, problem: 'signal: killed' };
      if (request === 0) return { durationMs: durationMs * 3, initMs: 250 };
      return { durationMs: request % 10 === 0 ? durationMs * 50 : durationMs, initMs: undefined };
    },
  };
};

const measure = (sizes: readonly number[]) => measureDeployed(createFunction(), 3, sizes, withOverrides({}), () => {});

describe('a measurement of a deployed function', () => {
  it('has a cold call, and the trimmed mean of the warm ones', async () => {
    const [small, large] = await measure([512, 1024]);
    expect(small).toMatchObject({ version: 3, architecture: 'arm64', memoryMb: 512, coldMs: 850 });
    expect(large).toMatchObject({ memoryMb: 1024, latencyMs: { p50: 100, mean: 100 }, coldMs: 550 });
    expect(large?.dollarsPerMillion).toBeCloseTo(0.2 + 1e6 * 0.1005 * 0.0000133334, 9);
  });

  it('leaves out a size at which the function does not answer', async () => {
    expect((await measure([256, 512])).map(({ memoryMb }) => memoryMb)).toEqual([512]);
  });

  it('says of a size how many calls failed there, and does not choose it', async () => {
    const estimates = await measure([600, 1024]);
    expect(estimates.map(({ problem }) => problem)).toEqual(['2 of 20 calls failed: signal: killed', undefined]);
    expect(cheapest(estimates, {})).toMatchObject({ memoryMb: 1024 });
  });

  it('fails with the reasons when the function answers at no size', async () => {
    await expect(measure([128, 256])).rejects.toThrow(
      'the function did not answer: with 128 MB: Runtime exited with error: signal: killed; with 256 MB: ',
    );
  });
});

it('a fifth of the values is left out at each end', () => {
  expect(trim([9, 1, 2, 3, 4, 5, 6, 7, 8, 1000])).toEqual([3, 4, 5, 6, 7, 8]);
  expect(trim([2, 1])).toEqual([1, 2]);
});
