import { classesOf } from './classes.ts';
import type { Converter, Converters } from './conversion.ts';
import { type Estimator, toItems } from './estimator.ts';
import { repeatRow } from './formulas.ts';
import { toMatrix } from './frame.ts';

/** The probabilities that every row gets. */
const probabilitiesOf = (estimator: Estimator): Float64Array => {
  const priors = estimator.vector('class_prior_');
  const strategy = estimator.text('strategy');
  if (strategy === 'prior') return priors;
  const unit = (index: number) => priors.map((_, at) => Number(at === index));
  if (strategy === 'most_frequent') return unit(priors.indexOf(Math.max(...priors)));
  if (strategy !== 'constant') return estimator.refuse(`its strategy ${strategy} is random, expected one that is not`);
  const constant = estimator.get('constant');
  const [value = constant] = toItems(constant) ?? [];
  return unit(classesOf(estimator).indexOf(value));
};

const classifier: Converter = (estimator, frame, { graph }) => ({
  probabilities: repeatRow(graph, toMatrix(graph, frame), probabilitiesOf(estimator)),
});

const regressor: Converter = (estimator, frame, { graph }) => ({
  prediction: repeatRow(graph, toMatrix(graph, frame), estimator.vector('constant_')),
});

export const DUMMY: Converters = { DummyClassifier: classifier, DummyRegressor: regressor };
