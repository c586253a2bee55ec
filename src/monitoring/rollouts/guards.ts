import { shorten } from '../../core/show.ts';
import { toPercent } from '../../core/to-percent.ts';
import type { Routing } from '../../repository/routing/routing.ts';
import type { AnswerCounts, AnswerKind } from './answer-counts.ts';
import { logEvidence, logRateEvidence, meanLogEvidence } from './evidence.ts';
import { type Bad, badEvents, type StepCounts } from './step-counts.ts';

export type Canary = NonNullable<Routing['canary']>;
export type AutomaticCanary = Canary & { readonly plan: NonNullable<Canary['plan']> };

/** The canary of a routing, if it has a plan. */
export const automaticCanary = ({ canary }: Pick<Routing, 'canary'>): AutomaticCanary | undefined =>
  canary?.plan && { ...canary, plan: canary.plan };

/** All that is known of a step. */
export interface StepFacts extends StepCounts {
  /** Undefined when no guard looks at captured answers. */
  readonly answers?: AnswerCounts | undefined;
}

/** The counts of a step as a guard sees them. */
export interface Judgement {
  /** Natural logarithm of the evidence against the canary. */
  readonly logEvidence: number;
  /** Requests that the judgement stands on, and their kind when they are not all requests. */
  readonly requests: number;
  readonly kind?: string;
  /** The reason for which there is no judgement. */
  readonly problem?: string | undefined;
  /** The counts in words, for the history. */
  readonly text: string;
}

type Guard = (counts: StepFacts, canary: AutomaticCanary) => Judgement;

/** More answers may differ when a model was trained again: a disagreement is no error. */
const DEFAULT_DISAGREEMENT = 0.1;
/** A good version that was trained again may give some answers more often, but not this many times as often. */
const MOST_TIMES = 2;
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

const NO_ANSWERS: Judgement = { logEvidence: 0, requests: 0, text: '', problem: 'no answers were read' };

/** The wrong ones among the answers of both arms that have feedback. Feedback need not follow the weight. */
const judgeWrong = ({ judged, wrong, problems }: AnswerCounts): Judgement => ({
  logEvidence: logRateEvidence(wrong.canary, judged.canary, wrong.stable, judged.stable),
  requests: Math.min(judged.canary, judged.stable),
  kind: 'requests with feedback, of each version,',
  text: `${wrong.canary} wrong of ${judged.canary} requests with feedback, stable ${wrong.stable} of ${judged.stable}`,
  problem: problems.answers,
});

/** The arm of each answer, kind by kind. Kinds that the canary gives less often are those whose others it gives more often. */
const judgeKinds = ({ captured, kinds, problems }: AnswerCounts, weight: number): Judgement => {
  const share = (MOST_TIMES * weight) / (1 + (MOST_TIMES - 1) * weight);
  const evidence = ({ canary, stable }: AnswerKind): number => logEvidence(canary, canary + stable, share);
  const logs = kinds.map(evidence);
  const worst = kinds[logs.indexOf(Math.max(...logs))];
  return {
    logEvidence: meanLogEvidence(logs),
    requests: Math.min(captured.canary, captured.stable),
    kind: 'captured requests, of each version,',
    text: worst
      ? `${shorten(worst.name)} in ${worst.canary} of ${captured.canary} captured requests, stable ${worst.stable} of ${captured.stable}`
      : 'no answers',
    problem: problems.answers ?? problems.kinds,
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
  /** Wrong answers by their feedback. */
  accuracy: ({ answers }) => (answers ? judgeWrong(answers) : NO_ANSWERS),
  /** Labels, scores and other figures of captured answers that the canary gives far more often. */
  drift: ({ answers }, { weight }) => (answers ? judgeKinds(answers, weight) : NO_ANSWERS),
};
