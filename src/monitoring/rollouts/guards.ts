import { toPercent } from '../../core/to-percent.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import { logEvidence } from './evidence.ts';
import { type Bad, badEvents, type StepCounts } from './step-counts.ts';

export type Canary = NonNullable<Routing['canary']>;
export type AutomaticCanary = Canary & { readonly plan: NonNullable<Canary['plan']> };

/** The canary of a routing, if it has a plan. */
export const automaticCanary = ({ canary }: Pick<Routing, 'canary'>): AutomaticCanary | undefined =>
  canary?.plan && { ...canary, plan: canary.plan };

/** The counts of a step as a guard sees them. */
export interface Judgement {
  /** Natural logarithm of the evidence against the canary. */
  readonly logEvidence: number;
  /** Requests that the judgement stands on. */
  readonly requests: number;
  /** The counts in words, for the history. */
  readonly text: string;
}

type Guard = (counts: StepCounts, canary: AutomaticCanary) => Judgement;

/** More answers may differ when a model was trained again: a disagreement is no error. */
const DEFAULT_DISAGREEMENT = 0.1;
/** The test needs a share above 0 and below 1, also when no answer, or each, may differ. */
const [LEAST_SHARE, MOST_SHARE] = [1e-6, 0.99];

/** The arm of each bad event against the share of the keys that the canary has. */
const judgeArms = (
  word: string,
  canary: Bad,
  stable: Bad,
  requests: readonly [canary: number, stable: number],
  weight: number,
): Judgement => {
  const [hits, others] = [badEvents(canary), badEvents(stable)];
  return {
    logEvidence: logEvidence(hits, hits + others, weight),
    requests: requests[0],
    text: `${hits} ${word} of ${requests[0]} requests, stable ${others} of ${requests[1]}`,
  };
};

/** The kinds of bad events that a canary can be judged by. A new kind is added here. */
export const GUARDS: Readonly<Record<string, Guard>> = {
  /** Failures that the operator has to mend: status 5xx, failed uploads. */
  errors: ({ canary, stable }, { weight }) =>
    judgeArms('failed', canary.errors, stable.errors, [canary.requests, stable.requests], weight),
  /** Inputs that the version does not take: status 4xx. */
  refusals: ({ canary, stable }, { weight }) =>
    judgeArms('refused', canary.refused, stable.refused, [canary.requests, stable.requests], weight),
  /** Requests above the limit that the monitor has set. */
  latency: ({ canary, stable }, { weight }) =>
    judgeArms('slow', canary.slow, stable.slow, [canary.timed, stable.timed], weight),
  /** Answers of the canary, as a shadow, that differ from those of the stable version. */
  disagreement: ({ changed, compared }, { plan: { disagreement = DEFAULT_DISAGREEMENT } }) => ({
    logEvidence: logEvidence(changed, compared, Math.min(Math.max(disagreement, LEAST_SHARE), MOST_SHARE)),
    requests: compared,
    text: `${changed} of ${compared} answers differ, ${toPercent(disagreement)} % may`,
  }),
};
