import { show } from '../../core/show.ts';
import { PyObject, type PyValue } from '../pickle/values.ts';
import { type Estimator, toItems } from './estimator.ts';

/** A transformer of a `ColumnTransformer`, with the indices of its columns. */
export interface ColumnStep {
  readonly name: string;
  /** An estimator, or the name of what happens: `passthrough`, `drop`. */
  readonly step: Estimator | string;
  readonly indices: readonly number[];
}

/** Names of the columns of an estimator; undefined when it was fitted on an array. @throws `MODEL_INVALID` for names that are no texts */
export const featureNames = (estimator: Estimator): readonly string[] | undefined => {
  const names = toItems(estimator.find('feature_names_in_'));
  return names?.map((name) =>
    typeof name === 'string' ? name : estimator.refuse(`a column is named ${show(name)}, expected a text`),
  );
};

const isSlice = (value: PyObject): boolean => value.type.name === 'slice';

/** The columns that were left over; since 1.5 they are an object around a list. */
const unwrap = (value: PyValue): PyValue => {
  if (!(value instanceof PyObject) || isSlice(value)) return value;
  return value.state instanceof Map ? (value.state.get('data') ?? null) : null;
};

const refuseColumns = (estimator: Estimator, name: string, columns: PyValue): never =>
  estimator.refuse(`the columns of "${name}" are ${show(columns)}, expected names, indices, a slice or a mask`);

/** The indices of columns by names, indices, a slice of either, or a mask. */
const toIndices = (estimator: Estimator, name: string, value: PyValue): number[] => {
  const columns = unwrap(value);
  const width = estimator.columns;
  const names = featureNames(estimator);
  const indexOf = (column: PyValue): number => {
    if (typeof column === 'object') return refuseColumns(estimator, name, columns); // no list within a list
    const index = typeof column === 'string' ? (names?.indexOf(column) ?? -1) : Number(column);
    const found = index < 0 && typeof column !== 'string' ? index + width : index;
    return Number.isInteger(found) && found >= 0 && found < width ? found : refuseColumns(estimator, name, columns);
  };
  if (columns instanceof PyObject) {
    const [start = null, stop = null, step = null] = columns.args;
    // A slice of names has its end, and one of indices has not.
    const end = (bound: PyValue, otherwise: number, after: number): number => {
      if (bound === null) return otherwise;
      if (typeof bound === 'string') return indexOf(bound) + after;
      return Math.min(width, Math.max(0, Number(bound) < 0 ? Number(bound) + width : Number(bound)));
    };
    const [first, last, every] = [end(start, 0, 0), end(stop, width, 1), step === null ? 1 : Number(step)];
    if (!(every > 0)) return refuseColumns(estimator, name, columns);
    return Array.from({ length: Math.max(0, Math.ceil((last - first) / every)) }, (_, index) => first + index * every);
  }
  const items = toItems(columns);
  if (items === undefined) return [indexOf(columns)];
  if (items.length > 0 && items.every((item) => typeof item === 'boolean'))
    return items.flatMap((isChosen, index) => (isChosen ? [index] : []));
  return items.map(indexOf);
};

/** Classes of imbalanced-learn that choose or make rows of the training, and pass every other row on. */
const SAMPLERS = /^imblearn[.](?:over_sampling|under_sampling|combine|base)(?:[.]|$)/;

/** A step by its name in a pipeline, a union or a transformer of columns: an estimator, or `passthrough` and `drop`. */
export const toStep = (estimator: Estimator, name: string, value: PyValue | undefined): Estimator | string => {
  if (value instanceof PyObject) return SAMPLERS.test(value.type.module) ? 'passthrough' : estimator.within(value);
  if (value === null || value === undefined) return 'passthrough';
  if (value === 'passthrough' || value === 'drop') return value;
  return estimator.refuse(`its step "${name}" is ${show(value)}, expected an estimator`);
};

/** The named steps in `attribute` of a pipeline or a union. */
export const namedSteps = (
  estimator: Estimator,
  attribute: string,
): readonly { readonly name: string; readonly step: Estimator | string }[] =>
  estimator.items(attribute).map((item) => {
    const [name, value] = toItems(item) ?? [];
    return { name: String(name), step: toStep(estimator, String(name), value) };
  });

/** The transformers of a fitted `ColumnTransformer` that have columns, in the order of its output. */
export const columnSteps = (estimator: Estimator): readonly ColumnStep[] =>
  estimator.items('transformers_').flatMap((item) => {
    const [name, value, columns = null] = toItems(item) ?? [];
    const indices = toIndices(estimator, String(name), columns);
    return indices.length === 0 ? [] : [{ name: String(name), step: toStep(estimator, String(name), value), indices }];
  });
