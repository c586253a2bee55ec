import type { Value } from '../../../onnx/graph-builder.ts';
import { longs } from '../../../onnx/graph-builder.ts';
import { integer } from '../../../onnx/node.ts';
import { isNumpyArray, PyObject, PyTuple, type PyValue } from '../../pickle/values.ts';
import type { Converter } from '../conversion.ts';
import { type Estimator, toItems } from '../estimator.ts';
import { concatenate, toFrame, widthOf } from '../frame.ts';
import { predictionOf } from '../results.ts';
import { indicatorOf, keptColumns, missingIn } from './imputers.ts';
import { scalar, toNumbers } from './numbers.ts';

/** A step of the iteration: the column that is predicted, those that it is predicted from, and the estimator. */
interface Step {
  readonly column: number;
  readonly from: readonly number[];
  readonly estimator: Estimator;
}

/** `imputation_sequence_`, whose elements are named tuples. */
const readSteps = (owner: Estimator): Step[] =>
  owner.items('imputation_sequence_').map((item) => {
    const parts: readonly PyValue[] = item instanceof PyObject ? item.args : item instanceof PyTuple ? item.items : [];
    const [column, from, estimator] = parts;
    if (typeof column !== 'number' || !isNumpyArray(from) || !(estimator instanceof PyObject))
      return owner.refuse('imputation_sequence_ is damaged, expected triples of a column, columns and an estimator');
    return { column, from: toItems(from)?.map(Number) ?? [], estimator: owner.within(estimator) };
  });

/** The bound of each column; a number alone is that of all. */
const boundsOf = (estimator: Estimator, name: string, columns: number): readonly number[] => {
  const bounds = estimator.vector(name);
  return Array.from({ length: columns }, (_, column) => bounds[bounds.length === 1 ? 0 : column] ?? Number.NaN);
};

/**
 * The columns that it gives, with the place of each among those of its initial imputer. A column without any value in the training data is left
 * out, or keeps what the initial imputer gives. Older versions name no such columns.
 */
const columnsOf = (estimator: Estimator, initial: Estimator) => {
  const empty = estimator.find('_is_empty_feature') === undefined ? [] : estimator.vector('_is_empty_feature');
  const keepsAll = estimator.find('keep_empty_features') === true;
  return keptColumns(initial).flatMap((column, place) => {
    const isEmpty = empty[column] === 1;
    return isEmpty && !keepsAll ? [] : [{ column, place, isEmpty }];
  });
};

/**
 * Predicts the missing values of each column from the others, round by round as when it was fitted. A row that lacks all of its values is
 * predicted, too: scikit-learn does so unless all rows of a call are such.
 */
export const iterativeImputer: Converter = (estimator, frame, { graph, convert }) => {
  if (estimator.find('sample_posterior') === true)
    return estimator.refuse('sample_posterior=True draws other values each time: fit it with sample_posterior=False');
  const x = toNumbers(estimator, frame, graph);
  const initial = estimator.estimator('initial_imputer_');
  const { frame: filled = [] } = convert(initial, toFrame(x, widthOf(frame)));
  const kept = columnsOf(estimator, initial);
  const steps = readSteps(estimator);
  const at = (value: Value, index: number): Value =>
    graph.op('Gather', [value, graph.constant(longs([index]))], { axis: integer(1) });
  const start = concatenate(
    graph,
    filled.map(({ value }) => value),
  );
  const hasSteps = steps.length > 0; // it has no bounds otherwise
  const least = hasSteps ? boundsOf(estimator, '_min_value', kept.length) : [];
  const most = hasSteps ? boundsOf(estimator, '_max_value', kept.length) : [];
  const columns = kept.map(({ place }) => at(start, place));
  const absent = kept.map(({ column }) =>
    missingIn(graph, { value: at(x, column), width: 1, dtype: 'float64' }, estimator.get('missing_values')),
  );
  for (const { column, from, estimator: inner } of steps) {
    if (kept[column]?.isEmpty) continue;
    const [own, isAbsent] = [columns[column], absent[column]];
    const others = from.map(
      (each) => columns[each] ?? estimator.refuse(`a step reads column ${each} of ${kept.length}`),
    );
    if (own === undefined || isAbsent === undefined)
      return estimator.refuse(`a step fills column ${column} of ${kept.length}`);
    const predicted = predictionOf(inner, convert(inner, toFrame(concatenate(graph, others), others.length)));
    const low = graph.op('Max', [predicted, scalar(graph, least[column] ?? -Infinity)]);
    const clipped = graph.op('Min', [low, scalar(graph, most[column] ?? Infinity)]);
    columns[column] = graph.op('Where', [isAbsent, clipped, own]);
  }
  return {
    frame: [...toFrame(concatenate(graph, columns), columns.length), ...indicatorOf(estimator, graph, frame)],
  };
};
