import { describe, expect, it } from '@jest/globals';
import {
  cheapest,
  closest,
  type Estimate,
  estimate,
  estimateAll,
  fastestNear,
  MEMORY_SIZES,
  REQUEST_MS,
  START_MS,
} from '../../../src/advise/estimate.ts';
import { withOverrides } from '../../../src/advise/prices.ts';
import { PROFILE } from '../../support/advice.ts';

const prices = withOverrides({});
const options = { prices, measured: 'x86_64' } as const;
const on = (memoryMb: number): Estimate => estimate(PROFILE, memoryMb, 'x86_64', options);

describe('an estimate', () => {
  it('has sizes from 512 to 10,240 MB, and those with whole vCPUs', () => {
    expect(MEMORY_SIZES[0]).toBe(512);
    expect(MEMORY_SIZES.at(-1)).toBe(10_240);
    expect(MEMORY_SIZES).toEqual(expect.arrayContaining([1769, 3538, 5307, 7076, 8845]));
    expect(MEMORY_SIZES).toHaveLength(44);
  });

  it.each([
    ['below a vCPU, CPU time over the share', 512, (100 + REQUEST_MS) / (512 / 1769)],
    ['with a vCPU, CPU time', 1769, 100 + REQUEST_MS],
    ['with more than a vCPU and one thread, no less than that thread takes', 3072, 100 + REQUEST_MS],
    ['with two vCPUs, what the slower of both limits says', 3538, 60 + REQUEST_MS],
    ['with five vCPUs, as with the most threads that were measured', 8845, 60 + REQUEST_MS],
  ])('takes %s', (_name, memoryMb, latencyMs) => {
    expect(on(memoryMb).latencyMs.p95).toBeCloseTo(latencyMs, 9);
  });

  it('adds the parts of a cold start: Node, download, creation and first run', () => {
    // 7.5 MB take 100 ms, more than the 10 ms of CPU time that their check takes.
    expect(on(1769).coldMs).toBeCloseTo(START_MS + 100 + 50 + 20, 9);
    expect(on(512).coldMs).toBeCloseTo(START_MS + 100 + 70 / (512 / 1769), 9);
  });

  it('has the price of the requests, and of milliseconds that are rounded up', () => {
    expect(on(1769).dollarsPerMillion).toBeCloseTo(0.2 + 1e6 * 0.10075 * (1769 / 1024) * 0.0000166667, 9);
    const arm = estimate(PROFILE, 1769, 'arm64', options);
    expect(arm.dollarsPerMillion).toBeCloseTo(0.2 + 1e6 * 0.10075 * (1769 / 1024) * 0.0000133334, 9);
  });

  it('says what nobody measured: the other architecture, and more threads than this computer has', () => {
    expect(on(1769).unmeasured).toBeUndefined();
    expect(estimate(PROFILE, 1769, 'arm64', options).unmeasured).toBe('as fast as here');
    expect(on(8845).unmeasured).toBe('as fast as 2 threads');
  });

  it('says that a size has too little memory', () => {
    const large = { ...PROFILE, threads: PROFILE.threads.map((each) => ({ ...each, peakBytes: 2 ** 30 })) };
    // The growth of the process, 954 MB, has to be 60 % of the memory at most.
    expect(estimate(large, 1024, 'x86_64', options).problem).toBe('needs 1590 MB');
    expect(estimate(large, 1769, 'x86_64', options).problem).toBeUndefined();
  });

  it('says that a first answer comes after the gateway has given up', () => {
    const slow = { ...PROFILE, threads: PROFILE.threads.map((each) => ({ ...each, createMs: 40_000 })) };
    expect(estimate(slow, 1769, 'x86_64', options).problem).toBe('its first answer takes longer than 30 s');
  });
});

describe('a choice', () => {
  const all = estimateAll([PROFILE], options);

  it('is the cheapest that was measured, keeps the limits and fits', () => {
    expect(cheapest(all, {})).toMatchObject({ memoryMb: 512, architecture: 'x86_64' });
    expect(cheapest(all, { p95Ms: 110 })).toMatchObject({ memoryMb: 1769 });
    expect(cheapest(all, { p95Ms: 80 })).toMatchObject({ memoryMb: 3538 });
    expect(cheapest(all, { p95Ms: 10 })).toBeUndefined();
    expect(cheapest(all, { coldMs: 410 })).toMatchObject({ memoryMb: 1024 });
  });

  it('names a faster one that costs little more', () => {
    const [choice] = [cheapest(all, {})];
    const faster = choice && fastestNear(all, {}, choice);
    expect(faster?.latencyMs.p95).toBeLessThan(choice?.latencyMs.p95 ?? 0);
    expect(faster?.dollarsPerMillion).toBeLessThanOrEqual(1.05 * (choice?.dollarsPerMillion ?? 0));
    expect(faster && fastestNear(all, {}, faster)).not.toEqual(faster);
  });

  it('names the nearest when none keeps the limits', () => {
    expect(closest(all, { p95Ms: 10 })?.latencyMs.p95).toBeCloseTo(60.25, 9);
  });

  it('prefers the faster of two that cost the same', () => {
    const fast = {
      ...PROFILE,
      version: 2,
      threads: PROFILE.threads.map((each) => ({ ...each, cpuMs: { ...each.cpuMs, p95: 50 } })),
    };
    expect(cheapest(estimateAll([PROFILE, fast], options), {})?.version).toBe(2);
  });
});
