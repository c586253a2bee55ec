import type { Converters } from './conversion.ts';
import { DISTRIBUTIONS } from './preprocessing/distributions.ts';
import { ENCODERS } from './preprocessing/encoders.ts';
import { functionTransformer } from './preprocessing/functions.ts';
import { IMPUTERS } from './preprocessing/imputers.ts';
import { iterativeImputer } from './preprocessing/iterative-imputer.ts';
import { knnImputer } from './preprocessing/knn-imputer.ts';
import { polynomialFeatures } from './preprocessing/polynomial-features.ts';
import { SCALING } from './preprocessing/scaling.ts';
import { SELECTING_PREDICTORS, SELECTION } from './preprocessing/selection.ts';
import { splineTransformer } from './preprocessing/spline-transformer.ts';

/** Transformers of `sklearn.preprocessing`, `sklearn.impute` and `sklearn.feature_selection`. */
export const PREPROCESSING: Converters = {
  ...SCALING,
  ...DISTRIBUTIONS,
  ...ENCODERS,
  ...IMPUTERS,
  ...SELECTION,
  ...SELECTING_PREDICTORS,
  FunctionTransformer: functionTransformer,
  IterativeImputer: iterativeImputer,
  KNNImputer: knnImputer,
  PolynomialFeatures: polynomialFeatures,
  SplineTransformer: splineTransformer,
};
