import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import type { BoundedOutcome } from '../support/bulk/bounded.ts';

const MB = 1024 * 1024;
/** Longest text of V8. */
const MOST_TEXT_BYTES = 512 * MB;

/** Runs a scenario in a process of its own, whose heap is smaller than what it plans or sums up. */
const runBounded = async (scenario: string, chunks: number, heapMb: number): Promise<BoundedOutcome> => {
  const words = [`--max-old-space-size=${heapMb}`, 'test/support/bulk/bounded.ts', scenario, String(chunks)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout);
};

it('plans a million keys without holding them', async () => {
  const outcome = await runBounded('keys', 1_000, 48);
  expect(outcome).toMatchObject({ chunks: 1_000, elements: 1_000_000, mostBytes: 40_000 });
});

it('plans a table of 100 MB without holding it', async () => {
  const outcome = await runBounded('table', 1_000, 48);
  expect(outcome).toMatchObject({ chunks: 1_000, elements: 1_000_000 });
  expect(outcome.bytes).toBeGreaterThan(100 * MB);
});

it('sums up more failures than a text can hold, in files that a reader can hold', async () => {
  const outcome = await runBounded('failures', 70, 128);
  expect(outcome.reasons).toEqual({ INVALID_INPUT: 70_000 });
  expect(outcome.bytes).toBeGreaterThan(MOST_TEXT_BYTES);
  expect(outcome.mostBytes).toBeLessThanOrEqual(32 * MB);
  expect(outcome).toMatchObject({ failures: outcome.files });
  expect(outcome.files.slice(0, 2)).toEqual(['bulk/run/failures.jsonl', 'bulk/run/failures-2.jsonl']);
});
