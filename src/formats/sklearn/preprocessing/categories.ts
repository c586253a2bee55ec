import { show } from '../../../core/show.ts';
import { tensor } from '../../../core/tensor.ts';
import { doubles, type GraphBuilder, type Value } from '../../../onnx/graph-builder.ts';
import { tensorValue } from '../../../onnx/node.ts';
import { PyObject, type PyValue } from '../../pickle/values.ts';
import { type Estimator, toItems } from '../estimator.ts';
import { type Block, type Frame, selectColumns } from '../frame.ts';

/** The type of the values of a column, as Python has it. */
export type Kind = 'string' | 'number' | 'boolean';

/** The known values of a column, in the order of their codes. */
export interface Categories {
  readonly kind: Kind;
  /** Booleans are 0 and 1. The missing value is "" among strings, NaN among numbers. */
  readonly keys: readonly (string | number)[];
  readonly hasMissing: boolean;
  /** The place of NaN; -1 without one. `None` is a category like others. */
  readonly nanAt: number;
}

/** True for `None`, NaN and `pandas.NA`. */
export const isMissing = (value: PyValue | undefined): boolean =>
  value === null || Number.isNaN(value) || (value instanceof PyObject && /(?:^|[.])NAType$/.test(value.type.path));

/** The kind of the values of a column. @throws `MODEL_INVALID` for values of several kinds, and for others such as dates */
export const kindOf = (estimator: Estimator, values: readonly PyValue[]): Kind => {
  const known = values.filter((value) => !isMissing(value));
  const kinds = new Set(known.map((value) => (typeof value === 'bigint' ? 'number' : typeof value)));
  const [kind = 'number'] = kinds;
  if (kinds.size <= 1 && (kind === 'string' || kind === 'number' || kind === 'boolean')) return kind;
  return estimator.refuse(
    `a column has the values ${show(known.slice(0, 3).map(String))}, expected strings, numbers or booleans`,
  );
};

const toKey = (value: PyValue, kind: Kind): string | number => {
  if (isMissing(value)) return kind === 'string' ? '' : Number.NaN;
  return kind === 'string' ? String(value) : Number(value);
};

export const toCategories = (estimator: Estimator, values: readonly PyValue[]): Categories => {
  const kind = kindOf(estimator, values);
  return {
    kind,
    keys: values.map((value) => toKey(value, kind)),
    hasMissing: values.some(isMissing),
    nanAt: values.findIndex(Number.isNaN),
  };
};

/** `categories_` of an encoder, by column. */
export const readCategories = (estimator: Estimator): readonly Categories[] =>
  estimator
    .items('categories_')
    .map((values) =>
      toCategories(estimator, toItems(values) ?? estimator.refuse('categories_ has a column that is no list')),
    );

/** The only column at `index`. @throws `MODEL_INVALID` when its type is not that of the categories */
export const categoryColumn = (
  estimator: Estimator,
  frame: Frame,
  index: number,
  { kind, hasMissing, nanAt }: Categories,
  graph: GraphBuilder,
): Block => {
  const [column] = selectColumns(graph, frame, [index]);
  const expected = kind === 'string' ? 'string' : 'float64';
  // `None` among categories behind an imputer of NaN came through it.
  const isNone = hasMissing && nanAt < 0;
  if (column?.dtype === expected) return isNone ? { ...column, value: column.unfilled ?? column.value } : column;
  return estimator.refuse(
    `its categories of column ${index} are ${kind}s, but it gets ${column?.dtype ?? 'no'} values`,
  );
};

/** The number in `values` for each element of a column [N,1], float64[N,1]; `otherwise` for an element that is not among `keys`. */
export const lookUpCategories = (
  graph: GraphBuilder,
  column: Value,
  { kind, keys }: Categories,
  values: readonly number[],
  otherwise: number,
): Value => {
  // Where the same key stands twice ("" beside None), the later one is the missing value.
  const table = new Map(keys.map((key, index) => [key, values[index] ?? otherwise]));
  const known = [...table.keys()];
  const keyTensor =
    kind === 'string'
      ? tensor('string', [known.length], known.map(String))
      : doubles([known.length], known.map(Number));
  const attributes = {
    keys_tensor: tensorValue(keyTensor),
    values_tensor: tensorValue(doubles([known.length], [...table.values()])),
    default_tensor: tensorValue(doubles([1], [otherwise])),
  };
  return graph.op('LabelEncoder', [column], attributes, 'ai.onnx.ml');
};
