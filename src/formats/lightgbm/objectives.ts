import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Booster } from '../boosting/booster.ts';
import {
  exponential,
  identity,
  type Link,
  logistic,
  signedSquare,
  softmax,
  softplus,
  steepLogistic,
} from '../boosting/links.ts';

/** The way of `predict` from the sums of the trees to its answer. */
export interface Objective {
  readonly kind: Booster['kind'];
  readonly link: Link;
}

const values: Objective = { kind: 'values', link: identity };
const positive: Objective = { kind: 'values', link: exponential };
const roots: Objective = { kind: 'values', link: signedSquare };

type ToObjective = (words: readonly string[]) => Objective;

/** The number behind a word such as `sigmoid:`; 1 without it. */
const numberOf = (words: readonly string[], name: string): number => {
  const word = words.find((each) => each.startsWith(`${name}:`));
  const number = word === undefined ? 1 : Number(word.slice(name.length + 1));
  return number > 0 && Number.isFinite(number)
    ? number
    : refuse('MODEL_INVALID', `LightGBM: the objective has ${show(word)}, expected a positive number`);
};

/** Targets of a regression may have been trained as their roots. */
const regression: ToObjective = (words) => (words.includes('sqrt') ? roots : values);

/** By the first word of the line `objective`. https://lightgbm.readthedocs.io/en/stable/Parameters.html#objective */
const OBJECTIVES: Readonly<Record<string, ToObjective>> = {
  regression,
  regression_l1: regression,
  huber: regression,
  fair: regression,
  quantile: regression,
  mape: regression,
  poisson: () => positive,
  gamma: () => positive,
  tweedie: () => positive,
  binary: (words) => ({ kind: 'binary', link: steepLogistic(numberOf(words, 'sigmoid')) }),
  multiclass: () => ({ kind: 'classes', link: softmax }),
  multiclassova: (words) => ({ kind: 'classes', link: steepLogistic(numberOf(words, 'sigmoid')) }),
  cross_entropy: () => ({ kind: 'values', link: logistic }),
  cross_entropy_lambda: () => ({ kind: 'values', link: softplus }),
  lambdarank: () => values,
  rank_xendcg: () => values,
  /** An objective of the user's own: predict gives the sums. */
  custom: () => values,
};

/** @throws `MODEL_INVALID` for an objective that is not known */
export const readObjective = (line: string | undefined): Objective => {
  const words = (line ?? 'custom').trim().split(/\s+/);
  const [name = ''] = words;
  const toObjective = Object.hasOwn(OBJECTIVES, name) ? OBJECTIVES[name] : undefined;
  return (
    toObjective?.(words) ??
    refuse(
      'MODEL_INVALID',
      `LightGBM: the objective ${show(name)} is unknown, expected one of ${Object.keys(OBJECTIVES).join(', ')}`,
    )
  );
};
