import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import type { FuzzedMemory } from '../support/fuzz/memory-of-requests.ts';

/** `npm run fuzz` sends 20,000. */
const RUNS = process.env.FUZZ_RUNS ?? '200';
const SEED = process.env.FUZZ_SEED ?? '15';
const MEGABYTE = 1_000_000;
/** The allocator and the collector come to rest within half of the run; what leaks goes on growing. */
const MOST_GROWTH_BYTES = 150 * MEGABYTE;

it('the memory of a server does not grow with the number of hostile requests', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    'test/support/fuzz/memory-of-requests.ts',
    RUNS,
    SEED,
  ]);
  const { rssBytes, faults } = JSON.parse(stdout) as FuzzedMemory;
  const megabytes = rssBytes.map((bytes) => Math.round(bytes / MEGABYTE));
  process.stdout.write(`${RUNS} requests: resident memory in MB, after each twentieth: ${megabytes.join(' ')}\n`);
  const half = rssBytes.length / 2;
  const [first, second] = [rssBytes.slice(0, half), rssBytes.slice(half)].map((part) => Math.max(...part));
  expect(faults).toBe(0);
  expect(Number(second) - Number(first)).toBeLessThan(MOST_GROWTH_BYTES);
}, 3_600_000);
