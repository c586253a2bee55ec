import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { HEAVY_REQUESTS } from '../support/fuzz/heavy-requests.ts';
import type { RequestCost } from '../support/fuzz/peak-of-request.ts';
import { measureSlowness } from '../support/processor-speed.ts';

const MEGABYTE = 1_000_000;
/** Of a usual processor: a slow or busy one gets more. */
const LONGEST_MS = 5_000;

/** The cost of a request in a process that does nothing else. */
const costOf = async (name: string): Promise<RequestCost> => {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/support/fuzz/peak-of-request.ts', name]);
  return JSON.parse(stdout) as RequestCost;
};

describe('a request of less than a megabyte', () => {
  it.each(Object.keys(HEAVY_REQUESTS))('with %s takes less than 500 MB and 5 s of the processor', async (name) => {
    const { status, message, bodyBytes, growthBytes, cpuMs } = await costOf(name);
    expect(bodyBytes).toBeLessThan(MEGABYTE);
    expect({ message, isAnswered: status >= 200 && status < 500 }).toEqual({ message, isAnswered: true });
    expect(growthBytes).toBeLessThan(500 * MEGABYTE);
    expect(cpuMs).toBeLessThan(LONGEST_MS * measureSlowness());
  });
});
