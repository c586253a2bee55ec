import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { estimateRun } from '../../../../cli/targets/bulk-price.ts';
import { SCALES, scaleTable } from '../../../support/bulk/scale-table.ts';
import { simulateRun } from '../../../support/bulk/simulate-run.ts';

/** Seconds within which all environments of a run have started: cold starts, and a thousand of them in ten seconds. */
const STARTING = 1 + 10;

it.each(SCALES)(
  '$what by $maxConcurrency environments take about as long and cost about as much as estimated',
  (scale) => {
    const [estimated, simulated] = [estimateRun(scale), simulateRun(scale)];
    expect(simulated.seconds).toBeGreaterThan(estimated.seconds);
    expect(simulated.seconds).toBeLessThan(1.1 * estimated.seconds + STARTING);
    expect(simulated.dollars / estimated.dollars).toBeGreaterThan(0.95);
    expect(simulated.dollars / estimated.dollars).toBeLessThan(1.1);
  },
);

it('rows of a table cost no read of S3 each', () => {
  const work = { elements: 1e6, chunk: 1_000, msPerElement: 0, maxConcurrency: 1 };
  const [objects, rows] = [true, false].map((areObjects) => estimateRun({ ...work, areObjects }).dollars);
  expect((objects ?? 0) - (rows ?? 0)).toBeCloseTo(0.4, 3);
});

it('docs/bulk.md has the simulated table', async () => {
  expect(await readFile('docs/bulk.md', 'utf8')).toContain(scaleTable());
});
