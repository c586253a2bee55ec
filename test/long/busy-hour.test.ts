import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import type { BusyHour } from '../support/monitoring/many-records.ts';

/** Objects with a hundred records each. */
const OBJECTS = 1_000;
/** The records alone are larger. */
const HEAP_MB = 128;

it('100,000 captured answers with as many lines of feedback are judged in a process whose heap cannot hold them', async () => {
  const script = 'test/support/monitoring/many-records.ts';
  const words = [`--max-old-space-size=${HEAP_MB}`, script, String(OBJECTS)];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const found: BusyHour = JSON.parse(stdout);
  expect(found).toEqual({
    drift: { samples: 100_000, verdict: 'ok' },
    score: { accuracy: 0.9, labels: 100_000 },
    ...{ captured: 100_000, judged: 100_000, warnings: [] },
  });
});
