import { show } from '../../../core/show.ts';
import type { GraphBuilder, Value } from '../../../onnx/graph-builder.ts';
import type { PyValue } from '../../pickle/values.ts';
import type { Conversion, Converters } from '../conversion.ts';
import { type Estimator, toItems } from '../estimator.ts';
import { type Frame, rowOf, toDouble, toFrame, toMatrix, widthOf } from '../frame.ts';
import { type Categories, categoryColumn, lookUpCategories, readCategories, toCategories } from './categories.ts';

/** 1 in the column of each code float64[N,1], of `count` columns; zeros for any other code. */
export const oneHot = (graph: GraphBuilder, codes: Value, count: number): Value => {
  const all = rowOf(
    graph,
    Array.from({ length: count }, (_, index) => index),
  );
  return toDouble(graph, graph.op('Equal', [codes, all]));
};

/** The numbers for a column, one list for each output column that it becomes. */
type Encode = (categories: Categories, column: number) => readonly (readonly number[])[];

/** Columns of numbers for each column of categories, side by side; `otherwise` of an output column for unknown values. */
const encodeColumns = (
  estimator: Estimator,
  frame: Frame,
  { graph }: Conversion,
  encode: Encode,
  otherwise: (column: number, output: number) => number,
): Frame => {
  const parts = readCategories(estimator).flatMap((categories, column) => {
    const { value } = categoryColumn(estimator, frame, column, categories, graph);
    return encode(categories, column).map((numbers, output) => ({
      value: lookUpCategories(graph, value, categories, numbers, otherwise(column, output)),
      width: 1,
      dtype: 'float64' as const,
    }));
  });
  return toFrame(toMatrix(graph, parts), parts.length);
};

/** The code of each category of a column: infrequent ones share the last code. */
const codesOf = (estimator: Estimator, { keys }: Categories, column: number): readonly number[] => {
  const mappings = toItems(estimator.find('_default_to_infrequent_mappings') ?? null);
  const mapping = toItems(mappings?.[column])?.map(Number);
  return mapping ?? keys.map((_, index) => index);
};

const isGrouped = (estimator: Estimator, column: number): boolean =>
  toItems(toItems(estimator.find('_default_to_infrequent_mappings') ?? null)?.[column]) !== undefined;

/** The code that `drop` leaves out; undefined when all are kept. */
const droppedCode = (estimator: Estimator, column: number): number | undefined => {
  const dropped: PyValue | undefined = toItems(estimator.find('_drop_idx_after_grouping', 'drop_idx_') ?? null)?.[
    column
  ];
  return dropped === null || dropped === undefined ? undefined : Number(dropped);
};

/** True when an unknown value counts as an infrequent one. */
const joinsInfrequent = (estimator: Estimator, column: number): boolean =>
  /^(?:infrequent_if_exist|warn)$/.test(estimator.text('handle_unknown')) && isGrouped(estimator, column);

const oneHotColumn = (
  estimator: Estimator,
  frame: Frame,
  graph: GraphBuilder,
  categories: Categories,
  column: number,
): Frame => {
  const codes = codesOf(estimator, categories, column);
  const dropped = droppedCode(estimator, column);
  const all = 1 + Math.max(...codes);
  const width = dropped === undefined ? all : all - 1;
  if (width === 0) return [];
  const place = (code: number): number => {
    if (dropped === undefined || code < dropped) return code;
    return code === dropped ? width : code - 1; // an index beyond the last column is a row of zeros
  };
  const unknown = joinsInfrequent(estimator, column) ? place(all - 1) : width;
  const { value } = categoryColumn(estimator, frame, column, categories, graph);
  const places = lookUpCategories(graph, value, categories, codes.map(place), unknown);
  return toFrame(oneHot(graph, places, width), width);
};

/** Codes of an `OrdinalEncoder`: NaN, or the value of `encoded_missing_value`, for the category NaN, which no group of infrequent ones has. */
const ordinalCodes = (estimator: Estimator, categories: Categories, column: number): readonly number[] => {
  const hasOption = estimator.find('encoded_missing_value') !== undefined; // since 1.1
  const encoded = hasOption ? estimator.number('encoded_missing_value') : Number.NaN;
  const codes = codesOf(estimator, categories, column);
  return categories.keys.map((_, index) => (index === categories.nanAt ? encoded : (codes[index] ?? Number.NaN)));
};

export const ENCODERS: Converters = {
  OneHotEncoder: (estimator, frame, { graph }) => {
    const parts = readCategories(estimator).flatMap((categories, column) =>
      oneHotColumn(estimator, frame, graph, categories, column),
    );
    if (parts.length === 0) return estimator.refuse(`drop is ${show(estimator.find('drop'))}: no column is left of it`);
    return { frame: toFrame(toMatrix(graph, parts), widthOf(parts)) };
  },

  OrdinalEncoder: (estimator, frame, conversion) => {
    const unknown = estimator.text('handle_unknown') === 'error' ? Number.NaN : estimator.number('unknown_value');
    const encode: Encode = (categories, column) => [ordinalCodes(estimator, categories, column)];
    return { frame: encodeColumns(estimator, frame, conversion, encode, () => unknown) };
  },

  TargetEncoder: (estimator, frame, conversion) => {
    const means = estimator.vector('target_mean_');
    const encodings = estimator.items('encodings_').map((encoding) => toItems(encoding)?.map(Number) ?? []);
    const outputs = estimator.text('target_type_') === 'multiclass' ? means.length : 1;
    const encode: Encode = (_, column) => encodings.slice(column * outputs, (column + 1) * outputs);
    return { frame: encodeColumns(estimator, frame, conversion, encode, (_, output) => means[output] ?? Number.NaN) };
  },

  LabelBinarizer: (estimator, frame, { graph }) => {
    const categories = toCategories(estimator, estimator.items('classes_'));
    const { value } = categoryColumn(estimator, frame, 0, categories, graph);
    const [low, high] = [estimator.number('neg_label'), estimator.number('pos_label')];
    const { length } = categories.keys;
    const outputs = length === 2 ? [1] : Array.from({ length }, (_, index) => index);
    const parts = outputs.map((output) => {
      const numbers = categories.keys.map((_, index) => (index === output && length > 1 ? high : low));
      return { value: lookUpCategories(graph, value, categories, numbers, low), width: 1, dtype: 'float64' as const };
    });
    return { frame: toFrame(toMatrix(graph, parts), parts.length) };
  },
};
