import type { Booster } from '../boosting/booster.ts';
import { exponential, identity, type Link, logistic, softmax, step } from '../boosting/links.ts';

/** The way of `predict` from the sums of the trees to its answer. */
export interface Objective {
  readonly kind: Booster['kind'];
  readonly link: Link;
  /** The inverse of the link, in float32, through which `base_score` becomes the first summand. */
  readonly toMargin: (score: number) => number;
}

const { fround } = Math;
const unchanged = (score: number): number => score;
const logit = (score: number): number => fround(-Math.log(fround(fround(1 / score) - 1)));
const logarithm = (score: number): number => fround(Math.log(score));

const values: Objective = { kind: 'values', link: identity, toMargin: unchanged };
const positive: Objective = { kind: 'values', link: exponential, toMargin: logarithm };
const classes: Objective = { kind: 'classes', link: softmax, toMargin: unchanged };

/** By name. https://xgboost.readthedocs.io/en/stable/parameter.html#learning-task-parameters */
export const OBJECTIVES: Readonly<Record<string, Objective>> = {
  'binary:logistic': { kind: 'binary', link: logistic, toMargin: logit },
  'binary:logitraw': values,
  'binary:hinge': { kind: 'binary', link: step, toMargin: unchanged },
  'multi:softprob': classes,
  'multi:softmax': classes,
  'reg:squarederror': values,
  'reg:linear': values,
  'reg:squaredlogerror': values,
  'reg:pseudohubererror': values,
  'reg:absoluteerror': values,
  'reg:quantileerror': values,
  'reg:expectileerror': values,
  'reg:logistic': { kind: 'values', link: logistic, toMargin: logit },
  'reg:gamma': positive,
  'reg:tweedie': positive,
  'count:poisson': positive,
  'survival:cox': positive,
  'survival:aft': positive,
  'rank:pairwise': values,
  'rank:ndcg': values,
  'rank:map': values,
};
