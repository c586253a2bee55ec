import { simulateDrift } from './simulate-drift.ts';

const SHIFTS = [0, 0.25, 0.5, 1];
const SAMPLES = [200, 1_000, 5_000];
const [RUNS, WINDOWS] = [4, 25];

/** The table of simulated drifts in docs/monitoring.md: windows with a warning or a drift that names the feature that was moved. */
export const driftsTable = (): string => {
  const rows = SAMPLES.map((samples) => {
    const found = SHIFTS.map((shift) => {
      const { windows, alarms, named } = simulateDrift({
        seed: 14,
        runs: RUNS,
        windows: WINDOWS,
        features: 20,
        samples,
        shift,
      });
      return `${shift === 0 ? alarms : named} of ${windows}`;
    });
    return `| ${samples} | ${found.join(' | ')} |`;
  });
  return [
    `| samples | ${SHIFTS.map((shift) => (shift === 0 ? 'no drift: false alarms' : `${shift} σ: found`)).join(' | ')} |`,
    `|---|${'---|'.repeat(SHIFTS.length)}`,
    ...rows,
  ].join('\n');
};
