import * as v from 'valibot';
import { refuse } from '../../core/errors.ts';
import { toInputName } from '../../core/input-name.ts';
import { type DType, formatSpec, type Signature, type Tensor, type TensorSpec } from '../../core/tensor.ts';
import { toHashedTensor } from '../text/hashed-terms.ts';
import { createTerms, tokensSchema, toTermTensor, type WordSettings } from '../text/words.ts';

/** Columns in the settings of a bundle, in the order of the values in a row that is a list. */
export const columnsSchema = v.array(
  v.object({
    name: v.pipe(v.string(), v.minLength(1)),
    /** All allowed values; any value is allowed without it. */
    categories: v.optional(v.pipe(v.array(v.union([v.string(), v.number()])), v.minLength(1))),
    /** Tells that values may be missing, because the graph imputes NaN among numbers, '' among strings. */
    optional: v.optional(v.boolean()),
    /** For a text: its terms for each input of the graph that takes them, string[N,terms], or float64[N,terms,2] of hashed ones. */
    tokens: v.optional(tokensSchema),
  }),
);

export type ColumnSettings = v.InferOutput<typeof columnsSchema>[number];

export interface Column {
  readonly name: string;
  readonly dtype: DType;
  /** Substitute for a missing value; undefined: no value may be missing. */
  readonly missing: number | string | undefined;
  readonly categories: ReadonlySet<string | number> | undefined;
}

/** An input of the graph, `dtype[N]` or `dtype[N,width]`, and the indices of its columns; or the terms of a text. */
export interface TableInput {
  readonly name: string;
  /** The type of its columns. */
  readonly dtype: DType;
  readonly rank: 1 | 2;
  readonly columns: readonly number[];
  /** Makes the terms of the only column, a text for each row. */
  readonly toTerms?: (texts: readonly string[]) => Tensor;
}

/** The columns of a model, and their places in the inputs of its graph. */
export interface Table {
  readonly columns: readonly Column[];
  readonly inputs: readonly TableInput[];
  readonly indexOf: ReadonlyMap<string, number>;
}

const quoteAll = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

/** Number of columns of an input; undefined for a symbolic dimension. @throws `MODEL_INVALID` */
const widthOf = (spec: TensorSpec): number | undefined => {
  const { name, dtype, shape } = spec;
  if (dtype === 'float16' || shape.length < 1 || shape.length > 2)
    refuse(
      'MODEL_INVALID',
      `input "${name}" is ${formatSpec(spec)}, a table fills inputs [N] and [N,columns] of any type but float16`,
    );
  if (shape.length === 1) return 1;
  return typeof shape[1] === 'number' ? shape[1] : undefined;
};

/** Default names of columns: the names of the inputs, otherwise x0, x1, … as in scikit-learn. */
const defaultColumns = (inputs: readonly TensorSpec[], widths: readonly (number | undefined)[]): ColumnSettings[] => {
  if (inputs.length > 1 && widths.every((width) => width === 1)) return inputs.map(({ name }) => ({ name }));
  if (widths.includes(undefined))
    refuse(
      'MODEL_INVALID',
      'the graph does not say how many columns it takes: name them in config.json, {"columns": ["age", …]}',
    );
  const count = widths.reduce<number>((sum, width) => sum + (width ?? 0), 0);
  return Array.from({ length: count }, (_, index) => ({ name: `x${index}` }));
};

/** Assigns columns to inputs: by name to several inputs of one column each, otherwise in order. */
const assign = (
  inputs: readonly TensorSpec[],
  widths: readonly (number | undefined)[],
  names: readonly string[],
): number[][] => {
  if (inputs.length > 1 && inputs.length === names.length && widths.every((width) => width === 1)) {
    const byInput = new Map([
      ...names.map((name, index) => [toInputName(name), index] as const),
      ...names.map((name, index) => [name, index] as const),
    ]);
    return inputs.map(({ name }) => [
      byInput.get(name) ??
        refuse('MODEL_INVALID', `no column is called as the input "${name}"; config.json names ${quoteAll(names)}`),
    ]);
  }
  let next = 0;
  const assigned = widths.map((width) => {
    const count =
      width ?? (widths.length === 1 ? names.length : refuse('MODEL_INVALID', 'the widths of its inputs are not fixed'));
    next += count;
    return Array.from({ length: count }, (_, index) => next - count + index);
  });
  if (next !== names.length)
    refuse('MODEL_INVALID', `the graph takes ${next} columns, config.json names ${names.length}: ${quoteAll(names)}`);
  return assigned;
};

const isOfType = (category: string | number, dtype: DType): boolean => {
  if (dtype === 'string') return typeof category === 'string';
  return dtype === 'float32' || dtype === 'float64' ? typeof category === 'number' : Number.isInteger(category);
};

const missingIn = (name: string, dtype: DType): number | string => {
  if (dtype === 'string') return '';
  if (dtype === 'float32' || dtype === 'float64') return Number.NaN;
  return refuse(
    'MODEL_INVALID',
    `column "${name}" is optional, but ${dtype} has no missing values: convert the model with float32 for it`,
  );
};

/** True for an input that takes terms, or their hashes. */
const takesTerms = ({ dtype, shape }: TensorSpec, { hashing }: WordSettings): boolean =>
  hashing === undefined
    ? dtype === 'string' && shape.length === 2
    : dtype === 'float64' && shape.length === 3 && shape[2] === 2;

/** The inputs that get terms of texts. @throws `MODEL_INVALID` for an input that the graph has not, or that takes no terms */
const termInputs = (columns: readonly ColumnSettings[], inputs: readonly TensorSpec[]): TableInput[] =>
  columns.flatMap(({ name: column, tokens = {} }, index) =>
    Object.entries(tokens).map(([name, settings]): TableInput => {
      const spec = inputs.find((each) => each.name === name);
      const { hashing } = settings;
      const expected = hashing ? 'float64[N,terms,2]' : 'string[N,terms]';
      if (spec === undefined || !takesTerms(spec, settings))
        return refuse(
          'MODEL_INVALID',
          `column "${column}" gives terms to the input "${name}" ${expected}, and the graph has ${spec ? formatSpec(spec) : 'none'}`,
        );
      const termsOf = createTerms(settings);
      const toTerms = (texts: readonly string[]): Tensor =>
        hashing === undefined ? toTermTensor(texts, termsOf) : toHashedTensor(texts.map(termsOf), hashing);
      return { name, dtype: 'string', rank: 2, columns: [index], toTerms };
    }),
  );

/** The inputs that get values as they are, by name or in their order. */
const valueInputs = (columns: readonly ColumnSettings[], inputs: readonly TensorSpec[]): TableInput[] => {
  const places = columns.flatMap(({ tokens }, index) => (tokens === undefined ? [index] : []));
  const assigned = assign(
    inputs,
    inputs.map(widthOf),
    places.map((place) => columns[place]?.name ?? ''),
  );
  return inputs.map(({ name, dtype, shape }, input) => ({
    ...{ name, dtype, rank: shape.length === 1 ? 1 : 2 },
    columns: (assigned[input] ?? []).map((place) => places[place] ?? 0),
  }));
};

const toColumn = ({ name, categories, optional, tokens }: ColumnSettings, dtype: DType | undefined): Column => {
  if (dtype === undefined) return refuse('MODEL_INVALID', `no input of the graph takes the column "${name}"`);
  if (tokens !== undefined && categories !== undefined)
    refuse('MODEL_INVALID', `column "${name}" has categories and tokens, but a text is no category`);
  for (const category of categories ?? [])
    if (!isOfType(category, dtype))
      refuse(
        'MODEL_INVALID',
        `category ${JSON.stringify(category)} of column "${name}" is no ${dtype}, as the graph takes it`,
      );
  const missing = optional ? missingIn(name, dtype) : undefined;
  return { name, dtype, missing, categories: categories && new Set(categories) };
};

/**
 * Assigns columns to the inputs of a graph: one input for all columns, one for each, or one for each type, as skl2onnx writes them. The
 * terms of texts have further inputs.
 * @throws `MODEL_INVALID` when columns and inputs do not fit each other
 */
export const createTable = (settings: readonly ColumnSettings[] | undefined, { inputs }: Signature): Table => {
  const named = settings ?? defaultColumns(inputs, inputs.map(widthOf));
  const names = named.map(({ name }) => name);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  if (indexOf.size !== names.length) refuse('MODEL_INVALID', `config.json names a column twice: ${quoteAll(names)}`);
  const ofTerms = termInputs(named, inputs);
  const others = inputs.filter(({ name }) => !ofTerms.some((input) => input.name === name));
  const all = [...ofTerms, ...valueInputs(named, others)];
  const dtypes = new Map(all.flatMap(({ columns, dtype }) => columns.map((column) => [column, dtype] as const)));
  return { columns: named.map((column, index) => toColumn(column, dtypes.get(index))), indexOf, inputs: all };
};
