import type { GraphBuilder } from '../../onnx/graph-builder.ts';
import { BOOSTER_CONVERTERS } from '../boosting/pickled-boosters.ts';
import { ADABOOST } from './adaboost.ts';
import { CALIBRATION } from './calibration.ts';
import { DEEPEST, MOST_ESTIMATORS } from './classes.ts';
import { CLUSTERING } from './clustering.ts';
import { COLUMNS } from './columns.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import { DECOMPOSITION } from './decomposition.ts';
import { DISCRIMINANT } from './discriminant.ts';
import { DUMMY } from './dummy.ts';
import { ENSEMBLES } from './ensembles.ts';
import type { Estimator } from './estimator.ts';
import { FORESTS } from './forests.ts';
import { GAUSSIAN_PROCESS } from './gaussian-process.ts';
import { GRADIENT_BOOSTING } from './gradient-boosting.ts';
import { HIST_GRADIENT_BOOSTING } from './hist-gradient-boosting.ts';
import { KERNEL_MAPS } from './kernel-maps.ts';
import { LABEL_PROPAGATION } from './label-propagation.ts';
import { LINEAR } from './linear.ts';
import { MULTICLASS } from './multiclass.ts';
import { NAIVE_BAYES } from './naive-bayes.ts';
import { NEAREST_CENTROID } from './nearest-centroid.ts';
import { NEIGHBOURS } from './neighbours.ts';
import { NEURAL_NETWORK } from './neural-network.ts';
import { OUTLIERS } from './outliers.ts';
import { OUTPUT_CODES } from './output-codes.ts';
import { PREPROCESSING } from './preprocessing.ts';
import { REFUSED_CLASSES } from './refused-classes.ts';
import { STACKING } from './stacking.ts';
import { SVM } from './svm.ts';
import { TEXT } from './text.ts';
import { TRANSFORMED_TARGET } from './transformed-target.ts';

/** The classes of scikit-learn, by name. */
export const CONVERTERS: Converters = {
  ...LINEAR,
  ...DISCRIMINANT,
  ...NAIVE_BAYES,
  ...FORESTS,
  ...GRADIENT_BOOSTING,
  ...HIST_GRADIENT_BOOSTING,
  ...ADABOOST,
  ...SVM,
  ...GAUSSIAN_PROCESS,
  ...NEIGHBOURS,
  ...NEAREST_CENTROID,
  ...LABEL_PROPAGATION,
  ...NEURAL_NETWORK,
  ...ENSEMBLES,
  ...STACKING,
  ...MULTICLASS,
  ...OUTPUT_CODES,
  ...CALIBRATION,
  ...TRANSFORMED_TARGET,
  ...CLUSTERING,
  ...OUTLIERS,
  ...DECOMPOSITION,
  ...KERNEL_MAPS,
  ...DUMMY,
  ...PREPROCESSING,
  ...COLUMNS,
  ...TEXT,
};

const SUPPORTED = 'scikit-learn, XGBoost or LightGBM';

/** The converter of a class. @throws `MODEL_INVALID` for a class that cannot be converted */
export const findConverter = (estimator: Estimator): Converter => {
  const { module, path } = estimator.object.type;
  const table = estimator.isOwn ? CONVERTERS : BOOSTER_CONVERTERS;
  const name = estimator.isOwn ? estimator.name : path;
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found !== undefined) return found;
  if (estimator.isOwn)
    return estimator.refuse(
      REFUSED_CLASSES.get(estimator.name) ??
        'this class cannot be converted: export the model to ONNX with skl2onnx, or take another class',
    );
  return estimator.refuse(
    module === '__main__'
      ? 'it is a class of the program that saved it, whose code is not in the file: put a class of scikit-learn in its place'
      : `it is no class of ${SUPPORTED}, and nothing of it was run: put a fitted model of one of these in its place`,
  );
};

/** The converters of all classes, which add to `graph`. */
export const createConversion = (graph: GraphBuilder): Conversion => {
  let [count, depth] = [0, 0];
  const conversion: Conversion = {
    graph,
    convert(estimator, frame) {
      if (depth === DEEPEST) return estimator.refuse(`it lies within ${DEEPEST} others, or within itself`);
      count += 1;
      if (count > MOST_ESTIMATORS) estimator.refuse(`it is one of more than ${MOST_ESTIMATORS} estimators`);
      depth += 1;
      const results = findConverter(estimator)(estimator, frame, conversion);
      depth -= 1;
      return results;
    },
  };
  return conversion;
};
