import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { countValues, makeBins } from '../../src/monitoring/drift/histogram.ts';
import { judgeWindow } from '../../src/monitoring/drift/judge.ts';
import { driftsTable } from '../support/monitoring/drifts-table.ts';
import { simulateDrift } from '../support/monitoring/simulate-drift.ts';

const DAY = { runs: 100, windows: 24, features: 20, samples: 200, shift: 0 };

it('docs/monitoring.md has the table of simulated drifts as the code finds it', async () => {
  expect(await readFile('docs/monitoring.md', 'utf8')).toContain(driftsTable());
});

it('gives at most one false alarm in 24 windows of 20 features, 100 times', () => {
  const { windows, alarms } = simulateDrift({ seed: 1, ...DAY });
  expect(windows).toBe(2_400);
  expect(alarms).toBeLessThanOrEqual(1);
});

it('finds a shift of half a standard deviation in 1,000 samples, and names the feature', () => {
  const { windows, named } = simulateDrift({
    seed: 3,
    runs: 10,
    windows: 20,
    features: 20,
    samples: 1_000,
    shift: 0.5,
  });
  expect(named / windows).toBeGreaterThanOrEqual(0.95);
});

it('alarms when a caller makes 5 % of the inputs lie beyond the baseline, as docs/security.md says', () => {
  const usual = Array.from({ length: 1_000 }, (_, index) => index / 1_000);
  const bins = makeBins(usual);
  const judge = (odd: number) => {
    const values = usual.map((value, index) => (index < odd ? 99 : value));
    const counts = { x: countValues(bins, values) };
    return judgeWindow({ x: { bins, counts: countValues(bins, usual) } }, counts, usual.length);
  };
  expect(judge(10).verdict).toBe('ok');
  expect(judge(50)).toMatchObject({ verdict: 'drift', features: { x: { aspect: 'strange' } } });
});
