import { refuse } from '../../core/errors.ts';
import { tensor } from '../../core/tensor.ts';
import { doubles, type GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { tensorValue } from '../../onnx/node.ts';
import { type Block, concatenate, type Frame, selectColumns, widthOf } from '../sklearn/frame.ts';
import type { Booster, BoosterColumn } from './booster.ts';

/** The symbolic first dimension of inputs and outputs. */
export const ROWS = 'N';

/** Tells whether the categories of a column are texts. */
export const hasTexts = ({ categories }: BoosterColumn): boolean =>
  categories?.some((category) => typeof category === 'string') ?? false;

/** Adds the inputs of a model: one float64[N,F], or one of its own type for each column when some columns are texts. */
export const addInputs = (graph: GraphBuilder, columns: readonly BoosterColumn[]): Frame => {
  const inputOf = (name: string, dtype: Block['dtype'], width: number): Block => ({
    value: graph.input(name, dtype, [ROWS, width]),
    width,
    dtype,
  });
  if (!columns.some(hasTexts)) return [inputOf('X', 'float64', columns.length)];
  return columns.map((column) => inputOf(column.name, hasTexts(column) ? 'string' : 'float64', 1));
};

/** The codes of the values of a column [N,1] as float64; NaN for a value that is none of them. */
const toCodes = (graph: GraphBuilder, { value, dtype }: Block, { categories = [] }: BoosterColumn) => {
  const keys =
    dtype === 'string'
      ? tensor('string', [categories.length], categories.map(String))
      : tensor('float64', [categories.length], Float64Array.from(categories, Number));
  const codes = doubles([categories.length], [...categories.keys()]);
  const attributes = {
    keys_tensor: tensorValue(keys),
    values_tensor: tensorValue(codes),
    default_tensor: tensorValue(doubles([1], [Number.NaN])),
  };
  return graph.op('LabelEncoder', [value], attributes, 'ai.onnx.ml');
};

/** The columns `own` of a block as float64, in one value or in one for each. @throws `MODEL_INVALID` for texts in the place of numbers */
const toNumbersOfBlock = (
  graph: GraphBuilder,
  block: Block,
  own: readonly BoosterColumn[],
  origin: string,
): Value[] => {
  const isText = block.dtype === 'string';
  const other = own.find((column) => isText !== hasTexts(column));
  if (other !== undefined)
    refuse(
      'MODEL_INVALID',
      `${origin}: column "${other.name}" holds ${isText ? 'texts, and the model knows numbers' : 'numbers, and the model knows texts'}`,
    );
  if (own.every(({ categories }) => categories === undefined)) return [block.value];
  return own.flatMap((column, index) =>
    selectColumns(graph, [block], [index]).map((each) =>
      column.categories === undefined ? each.value : toCodes(graph, each, column),
    ),
  );
};

/**
 * The columns of a frame as float64[N,F] with the codes of categories; a missing value, and one that is no category, is NaN.
 * @throws `MODEL_INVALID` for another number of columns, and for texts where the model knows numbers, or the other way round
 */
export const toNumbers = (
  graph: GraphBuilder,
  frame: Frame,
  { columns, origin }: Pick<Booster, 'columns' | 'origin'>,
): Value => {
  const width = widthOf(frame);
  if (width !== columns.length)
    refuse('MODEL_INVALID', `${origin}: the model has ${columns.length} columns, and gets ${width}`);
  let end = 0;
  const values = frame.flatMap((block) => {
    end += block.width;
    return toNumbersOfBlock(graph, block, columns.slice(end - block.width, end), origin);
  });
  return concatenate(graph, values);
};
