import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import type { Estimator } from './estimator.ts';
import type { Frame } from './frame.ts';

/** The results of the methods of an estimator, as values of the graph. An estimator has those of its kind. */
export interface Results {
  /** `transform`. */
  readonly frame?: Frame;
  /** `predict_proba`, float64[N,classes]. */
  readonly probabilities?: Value;
  /** `decision_function`, float64[N,1] of two classes, float64[N,classes] of more. */
  readonly decision?: Value;
  /** `predict` of a regressor, float64[N,targets]. */
  readonly prediction?: Value;
  /** `predict` of a classifier or a clusterer as the index of a class, int64[N]; left out where it is the best of its scores. */
  readonly classIndex?: Value;
  /** The results for each target of a classifier with several targets. */
  readonly targets?: readonly Results[];
}

/** The graph that an estimator is added to, and the converters of the estimators within it. */
export interface Conversion {
  readonly graph: GraphBuilder;
  /** Adds another estimator, which gets `frame`. @throws `MODEL_INVALID` for an estimator that cannot be converted */
  convert(estimator: Estimator, frame: Frame): Results;
}

/** Adds a fitted estimator of one class to the graph. @throws `MODEL_INVALID` for settings that cannot be converted */
export type Converter = (estimator: Estimator, frame: Frame, conversion: Conversion) => Results;

/** Converters by the name of the class. */
export type Converters = Readonly<Record<string, Converter>>;
