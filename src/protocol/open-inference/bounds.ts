import { refuseInput } from '../../core/assert-inputs.ts';
import { isAnonymous } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import { elementCount, formatSpec, type Signature, type Tensors } from '../../core/tensor.ts';

/** Most sizes in the first dimension of an input: each row takes the memory of all layers while the graph runs. */
export const MOST_ROWS = 10_000;

/** Most elements of all inputs together, and of all outputs together: 27 images float32[3,224,224], some 80 MB as JSON. */
export const MOST_ELEMENTS = 2 ** 22;

const count = (number: number): string => number.toLocaleString('en');

/** Elements of `shape`, with empty dimensions counted as 1: layers multiply the others before they see the empty one. */
const weigh = (shape: readonly number[]): number => elementCount(shape.map((size) => Math.max(1, size)));

/**
 * Refuses an input by its shape alone.
 * @throws `INVALID_INPUT` naming the input, and both figures
 */
export const assertInputBounds = (name: string, shape: readonly number[]): void => {
  const [rows = 1] = shape;
  if (rows > MOST_ROWS)
    refuseInput(
      name,
      `has ${count(rows)} rows ([${shape}]), at most ${count(MOST_ROWS)} are allowed; send them in parts`,
    );
  if (weigh(shape) > MOST_ELEMENTS)
    refuseInput(name, `has the shape [${shape}], at most ${count(MOST_ELEMENTS)} elements are allowed; send fewer`);
};

type Sizes = ReadonlyMap<string, number>;

/** The sizes of symbolic dimensions, as `feeds` have them. */
const sizesOf = ({ inputs }: Signature, feeds: Tensors): Sizes => {
  const sizes = new Map<string, number>();
  for (const { name, shape } of inputs)
    for (const [axis, dimension] of shape.entries())
      if (typeof dimension === 'string' && !isAnonymous(dimension)) sizes.set(dimension, feeds[name]?.shape[axis] ?? 1);
  return sizes;
};

/** A factor of a dimension: a number, or a name. Names that no input has count as 1. */
const toFactor = (text: string, sizes: Sizes): number => sizes.get(text) ?? (/^\d+$/.test(text) ? Number(text) : 1);

/** The size of a dimension, of which exporters write sums and products: `past_sequence_length + sequence_length`. */
export const resolveDimension = (dimension: number | string, sizes: Sizes): number => {
  if (typeof dimension === 'number') return dimension;
  const known = sizes.get(dimension);
  if (known !== undefined) return known;
  return dimension
    .split('+')
    .map((term) => term.split('*').reduce((product, factor) => product * toFactor(factor.trim(), sizes), 1))
    .reduce((sum, term) => sum + term, 0);
};

/**
 * Refuses a run whose inputs or outputs are too large together. The sizes of outputs are known beforehand, as far as their dimensions are
 * those of inputs.
 * @throws `INVALID_INPUT` naming the output, its shape, and both figures
 */
export const assertRunBounds = (signature: Signature, feeds: Tensors, outputNames: readonly string[]): void => {
  const fed = Object.values(feeds).reduce((sum, { shape }) => sum + weigh(shape), 0);
  if (fed > MOST_ELEMENTS)
    throw new ServingError(
      'INVALID_INPUT',
      `the inputs have ${count(fed)} elements together, at most ${count(MOST_ELEMENTS)} are allowed; send fewer rows`,
    );
  const sizes = sizesOf(signature, feeds);
  let given = 0;
  for (const spec of signature.outputs) {
    if (!outputNames.includes(spec.name)) continue;
    const shape = spec.shape.map((dimension) => resolveDimension(dimension, sizes));
    given += elementCount(shape);
    if (given > MOST_ELEMENTS) refuseOutput(spec.name, formatSpec({ dtype: spec.dtype, shape }), given);
  }
};

/** @throws `INVALID_INPUT` for outputs whose sizes only the run could tell */
export const assertOutputBounds = (outputs: Tensors): void => {
  let given = 0;
  for (const [name, tensor] of Object.entries(outputs)) {
    given += tensor.data.length;
    if (given > MOST_ELEMENTS) refuseOutput(name, formatSpec(tensor), given);
  }
};

const refuseOutput = (name: string, spec: string, elements: number): never => {
  throw new ServingError(
    'INVALID_INPUT',
    `output "${name}" would be ${spec}; ${count(elements)} elements are too many, at most ${count(MOST_ELEMENTS)} ` +
      'are allowed in all outputs; send fewer rows, or name fewer outputs',
  );
};
