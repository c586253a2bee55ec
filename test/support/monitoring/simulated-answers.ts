import { createRandom } from '../../../src/core/random.ts';
import type { AnswerCounts } from '../../../src/monitoring/rollouts/answer-counts.ts';
import type { AutomaticCanary } from '../../../src/monitoring/rollouts/guards.ts';
import { judgeStep } from '../../../src/monitoring/rollouts/judge-step.ts';
import { noCounts } from '../../../src/monitoring/rollouts/step-counts.ts';
import type { Mutable, Rates } from './simulated-canary.ts';

/** Canaries that are judged by their captured answers, again and again. The plan never raises the weight. */

const random = createRandom(14);

type Answers = Mutable<AnswerCounts>;

const noAnswers = (): Answers => ({
  captured: { stable: 0, canary: 0 },
  judged: { stable: 0, canary: 0 },
  wrong: { stable: 0, canary: 0 },
  kinds: [],
  problems: {},
});

const isRolledBack = (guard: string, weight: number, answers: Answers): boolean => {
  const plan = { since: '', steps: [weight, 1], holdMs: 0, guards: [guard] };
  const canary: AutomaticCanary = { version: 2, weight, plan };
  return judgeStep(canary, { ...noCounts(), answers }, 0).action === 'rollback';
};

export interface SimulatedFeedback {
  readonly weight: number;
  /** Wrong answers. */
  readonly rates: Rates;
  readonly labels: number;
  readonly lookEvery: number;
  /** Changes the rates of both versions by the number of the request. */
  readonly wave?: (label: number) => number;
}

/** Labels of the canary until it was rolled back by its accuracy; undefined when it was not. */
export const simulateFeedback = ({
  weight,
  rates,
  labels,
  lookEvery,
  wave = () => 1,
}: SimulatedFeedback): number | undefined => {
  const answers = noAnswers();
  for (let label = 1; label <= labels; label += 1) {
    const arm = random() < weight ? 'canary' : 'stable';
    answers.judged[arm] += 1;
    if (random() < rates[arm] * wave(label)) answers.wrong[arm] += 1;
    if (label % lookEvery === 0 && isRolledBack('accuracy', weight, answers)) return answers.judged.canary;
  }
  return undefined;
};

/** Shares of kinds of answers, such as labels; those of a version add up to 1. */
export type Mix = readonly number[];

const draw = (mix: Mix): number => {
  let rest = random();
  const found = mix.findIndex((share) => {
    rest -= share;
    return rest < 0;
  });
  return found < 0 ? mix.length - 1 : found;
};

/** Captured answers of the canary until it was rolled back by their kinds; undefined when it was not. */
export const simulateKinds = (
  weight: number,
  mixes: { readonly stable: Mix; readonly canary: Mix },
  requests: number,
  lookEvery: number,
): number | undefined => {
  const answers = noAnswers();
  answers.kinds = mixes.stable.map((_, kind) => ({ name: `label ${kind}`, stable: 0, canary: 0 }));
  for (let request = 1; request <= requests; request += 1) {
    const arm = random() < weight ? 'canary' : 'stable';
    answers.captured[arm] += 1;
    const kind = answers.kinds[draw(mixes[arm])];
    if (kind) kind[arm] += 1;
    if (request % lookEvery === 0 && isRolledBack('drift', weight, answers)) return answers.captured.canary;
  }
  return undefined;
};
