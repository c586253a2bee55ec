import { type Mix, simulateFeedback, simulateKinds } from './simulated-answers.ts';
import { median, type Rates } from './simulated-canary.ts';

const CANARIES = 100;
const WEIGHT = 0.05;
const REQUESTS = 20_000;
const LOOK_EVERY = 100;

const RATES: readonly Rates[] = [
  { stable: 0.05, canary: 0.05 },
  { stable: 0.05, canary: 0.1 },
  { stable: 0.05, canary: 0.2 },
  { stable: 0.05, canary: 1 },
  { stable: 0.2, canary: 0.3 },
];
/** Shares of the labels A, B and C. */
const STABLE: Mix = [0.7, 0.2, 0.1];
const MIXES: readonly Mix[] = [STABLE, [0.5, 0.35, 0.15], [0.3, 0.6, 0.1], [0, 0, 1]];

const inPercent = (share: number): string => `${Math.round(share * 100)} %`;
const describe = (mix: Mix): string =>
  `A ${inPercent(mix[0] ?? 0)}, B ${inPercent(mix[1] ?? 0)}, C ${inPercent(mix[2] ?? 0)}`;

const toRow = (guard: string, stable: string, canary: string, simulate: () => number | undefined): string => {
  const caught = Array.from({ length: CANARIES }, simulate).filter((requests) => requests !== undefined);
  const requests = caught.length === 0 ? '' : String(median(caught));
  return `| \`${guard}\` | ${stable} | ${canary} | ${caught.length} of ${CANARIES} | ${requests} |`;
};

/** The second table of docs/rollout.md: what the tests of answers find. */
export const answersTable = (): string =>
  [
    '| guard | stable | canary | rolled back | labels or answers of the canary until then, median |',
    '|---|---|---|---|---|',
    ...RATES.map((rates) =>
      toRow('accuracy', `${inPercent(rates.stable)} wrong`, `${inPercent(rates.canary)} wrong`, () =>
        simulateFeedback({ weight: WEIGHT, rates, labels: REQUESTS, lookEvery: LOOK_EVERY }),
      ),
    ),
    ...MIXES.map((canary) =>
      toRow('drift', describe(STABLE), describe(canary), () =>
        simulateKinds(WEIGHT, { stable: STABLE, canary }, REQUESTS, LOOK_EVERY),
      ),
    ),
  ].join('\n');
