import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';
import { fieldOf, numbersOf } from '../pickle/arrays.ts';
import { isNumpyArray, PyObject, type PyValue } from '../pickle/values.ts';
import { addTrees, type Tree } from '../trees.ts';
import type { Conversion, Converter, Converters } from './conversion.ts';
import { Estimator, toItems } from './estimator.ts';
import { join, pick, scalar, softmax, sumRow, toPair } from './formulas.ts';
import type { Frame } from './frame.ts';
import { rowOf, toDouble, toMatrix, widthOf } from './frame.ts';
import { assertNodes } from './tree-state.ts';

/** The categories in a set of 256 bits, eight words of 32. */
const categoriesOf = (words: Float64Array): number[] =>
  Array.from({ length: words.length * 32 }, (_, bit) => bit).filter(
    (bit) => ((words[bit >> 5] ?? 0) / 2 ** (bit & 31)) % 2 >= 1,
  );

/** A tree of `_predictors`, which adds to column `target`. `features`: columns of the rows. */
const readPredictor = (owner: Estimator, predictor: PyValue, target: number, features: number): Tree => {
  if (!(predictor instanceof PyObject)) return owner.refuse('_predictors has no tree');
  const estimator = new Estimator(predictor, owner.version);
  const nodes = estimator.get('nodes');
  const field = (name: string): Float64Array =>
    (isNumpyArray(nodes) ? fieldOf(nodes, name) : undefined) ?? estimator.refuse(`its nodes have no ${name}`);
  const isLeaf = field('is_leaf');
  const isCategorical = field('is_categorical');
  const [left, right, threshold] = [field('left'), field('right'), field('num_threshold')];
  const categories = new Map<number, readonly number[]>();
  if (isCategorical.some((flag, node) => flag === 1 && isLeaf[node] === 0)) {
    const sets = estimator.matrix('raw_left_cat_bitsets');
    field('bitset_idx').forEach((set, node) => {
      if (isCategorical[node] !== 1 || isLeaf[node] === 1) return;
      categories.set(node, categoriesOf(sets.values.subarray(set * sets.columns, (set + 1) * sets.columns)));
      threshold[node] = 0;
    });
  }
  const tree = {
    left: left.map((child, node) => (isLeaf[node] === 1 ? -1 : child)),
    ...{ right, feature: field('feature_idx'), threshold, categories, target },
    missingLeft: field('missing_go_to_left'),
    weight: field('value'),
  };
  assertNodes(estimator, tree, features);
  if (tree.weight.some((weight, node) => isLeaf[node] === 1 && Number.isNaN(weight)))
    estimator.refuse('a leaf has NaN as its value, expected a number');
  return tree;
};

/** Categories that the training data did not have go the way of missing values. */
const hideUnknown = (graph: GraphBuilder, x: Value, known: ReadonlyMap<number, Float64Array>, width: number): Value => {
  const columns = Array.from({ length: width }, (_, index) => {
    const categories = known.get(index);
    const column = pick(graph, x, index);
    if (categories === undefined) return column;
    const whole = graph.op('Floor', [column]);
    const matches = graph.op('Equal', [whole, rowOf(graph, categories)]);
    const count = sumRow(graph, toDouble(graph, matches));
    return graph.op('Where', [graph.op('Greater', [count, scalar(graph, 0)]), whole, scalar(graph, Number.NaN)]);
  });
  return join(graph, columns);
};

/** The known categories of the columns that hold categories. */
const readKnown = (estimator: Estimator): ReadonlyMap<number, Float64Array> => {
  if (!(estimator.find('_bin_mapper') instanceof PyObject)) return new Map();
  const mapper = estimator.estimator('_bin_mapper');
  const flags = toItems(mapper.find('is_categorical_', 'is_categorical')) ?? [];
  const thresholds = mapper.items('bin_thresholds_');
  return new Map(
    flags.flatMap((flag, index): [number, Float64Array][] => {
      const values = thresholds[index];
      return flag && isNumpyArray(values) ? [[index, numbersOf(values) ?? new Float64Array()]] : [];
    }),
  );
};

/** The sum of the trees and the baseline, float64[N,columns]. It compares in float64, and NaN goes its own way at each node. */
const addRaw = (estimator: Estimator, given: Frame, { graph, convert }: Conversion) => {
  const preprocessor = estimator.find('_preprocessor');
  const encoded = preprocessor instanceof PyObject ? convert(estimator.estimator('_preprocessor'), given).frame : given;
  const frame = encoded ?? estimator.refuse('its _preprocessor gives no columns');
  const width = widthOf(frame);
  const known = readKnown(estimator);
  const x = toMatrix(graph, frame);
  const stages = estimator.items('_predictors').map((stage) => toItems(stage) ?? []);
  const columns = stages[0]?.length ?? 1;
  const trees = stages.flatMap((stage) => stage.map((each, target) => readPredictor(estimator, each, target, width)));
  const sum = addTrees(graph, known.size === 0 ? x : hideUnknown(graph, x, known, width), trees, {
    ...{ mode: 'LEQ', dtype: 'float64', targets: columns },
  });
  return { raw: graph.op('Add', [sum, rowOf(graph, estimator.vector('_baseline_prediction'))]), columns };
};

const classifier: Converter = (estimator, frame, conversion) => {
  const { raw, columns } = addRaw(estimator, frame, conversion);
  const { graph } = conversion;
  return {
    decision: raw,
    probabilities: columns === 1 ? toPair(graph, graph.op('Sigmoid', [raw])) : softmax(graph, raw),
  };
};

/** Losses whose raw values are logarithms of the mean. */
const LOGARITHMIC = ['poisson', 'gamma'];

const regressor: Converter = (estimator, frame, conversion) => {
  const { raw } = addRaw(estimator, frame, conversion);
  const isLogarithmic = LOGARITHMIC.includes(estimator.text('loss'));
  return { prediction: isLogarithmic ? conversion.graph.op('Exp', [raw]) : raw };
};

export const HIST_GRADIENT_BOOSTING: Converters = {
  HistGradientBoostingClassifier: classifier,
  HistGradientBoostingRegressor: regressor,
};
