import { median, type Rates, simulate } from './simulated-canary.ts';

const CANARIES = 100;
/** Requests between two looks. */
const LOOK_EVERY = 20;
const WEIGHT = 0.05;

const CASES: readonly Rates[] = [
  { stable: 0.01, canary: 0.01 },
  { stable: 0.01, canary: 0.02 },
  { stable: 0.01, canary: 0.05 },
  { stable: 0.01, canary: 0.2 },
  { stable: 0.01, canary: 1 },
  { stable: 0, canary: 0.01 },
  { stable: 0, canary: 1 },
];

const inPercent = (share: number): string => `${share * 100} %`;

/** The table of docs/rollout.md: what the test finds, by the rates of bad events. */
export const canaryTable = (): string => {
  const rows = CASES.map((rates) => {
    const caught = Array.from({ length: CANARIES }, () => simulate(WEIGHT, rates, LOOK_EVERY)).filter(
      (requests) => requests !== undefined,
    );
    const requests = caught.length === 0 ? '' : String(median(caught));
    return `| ${inPercent(rates.stable)} | ${inPercent(rates.canary)} | ${caught.length} of ${CANARIES} | ${requests} |`;
  });
  return [
    '| bad events, stable | canary | rolled back | canary requests until then, median |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
};
