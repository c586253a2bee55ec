import { type Blank, blankShape, type Dimensions, dimensionAt, dimensionKey } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import { elementCount, type Signature } from '../../core/tensor.ts';
import { MOST_ELEMENTS } from '../../protocol/open-inference/bounds.ts';
import { answerOne } from '../answer-one.ts';
import { graphOf } from '../graph-of.ts';
import type { Task, TaskModel } from '../task.ts';

/** A variable dimension of the inputs. */
interface VariableDimension {
  readonly key: string;
  /** Its axis where it stands first. */
  readonly axis: number;
}

/** Sizes that are tried for variable dimensions, one after the other: of the first axis of an input, and of others. */
const SIZES: readonly {
  readonly name: string;
  readonly sizeOf: (axis: number, index: number) => number;
}[] = [
  { name: '1', sizeOf: () => 1 },
  { name: '2', sizeOf: () => 2 },
  { name: '2, 3, 4, …', sizeOf: (_axis, index) => index + 2 },
  ...[8, 64, 512].flatMap((size) => [
    { name: `1 × ${size}`, sizeOf: (axis: number) => (axis === 0 ? 1 : size) },
    { name: String(size), sizeOf: () => size },
  ]),
];

/** The variable dimensions of the inputs, each once: a name that stands in several places is one dimension. */
const variableDimensions = ({ inputs }: Signature): VariableDimension[] => {
  const axes = new Map<string, number>();
  for (const { name, shape } of inputs)
    for (const [axis, dimension] of shape.entries()) {
      const key = typeof dimension === 'string' ? dimensionKey(name, axis, dimension) : undefined;
      if (key !== undefined && !axes.has(key)) axes.set(key, axis);
    }
  return [...axes].map(([key, axis]) => ({ key, axis }));
};

/** @throws `INVALID_REQUEST` for a size of a dimension that no input has */
const assertKnown = (dimensions: Dimensions, { inputs }: Signature, variable: readonly VariableDimension[]): void => {
  const keys = variable.map(({ key }) => key);
  const positions = inputs.flatMap(({ name, shape }) =>
    shape.flatMap((size, axis) => (typeof size === 'string' ? [dimensionAt(name, axis)] : [])),
  );
  for (const key of Object.keys(dimensions))
    if (!keys.includes(key) && !positions.includes(key))
      throw new ServingError(
        'INVALID_REQUEST',
        `no input has a variable dimension "${key}"; variable are: ${keys.join(', ') || 'none'}`,
      );
};

/** The inputs that are tried, in order: of each size zeros, then ones. Inputs beyond the bounds of a request are left out. */
const toBlanks = (signature: Signature, variable: readonly VariableDimension[], given: Dimensions): Blank[] => {
  const free = variable.filter(({ key }) => !Object.hasOwn(given, key));
  const sizes = free.length === 0 ? SIZES.slice(0, 1) : SIZES;
  return sizes.flatMap(({ sizeOf }) => {
    const tried = free.map(({ key, axis }, index): [string, number] => [key, sizeOf(axis, index)]);
    const dimensions = { ...Object.fromEntries(tried), ...given };
    const elements = signature.inputs.reduce((sum, spec) => sum + elementCount(blankShape(spec, dimensions)), 0);
    const isFirst = sizeOf(0, 0) === 1 && sizeOf(1, 1) === 1;
    return elements <= MOST_ELEMENTS || isFirst ? ([0, 1] as const).map((value) => ({ value, dimensions })) : [];
  });
};

const describeFailure = ({ dimensions }: Blank, hasFree: boolean, reason: string): string => {
  const sizes = Object.entries(dimensions).map(([key, size]) => `${key}=${size}`);
  const others = `so it did on ones${hasFree ? `, and on both with variable dimensions of ${SIZES.map(({ name }) => name).join('; ')}` : ''}`;
  const size = hasFree ? ', or the size of a dimension with --dimension <name>=<size>' : '';
  return (
    `it failed on zeros${sizes.length > 0 ? ` with ${sizes.join(', ')}` : ''}: ${reason}; ${others}. ` +
    `Give a request that it answers with --warmup <request.json>${size}`
  );
};

/**
 * Finds an input that the model answers: graphs may divide by an input, or take a size from it. Zeros come first, and variable dimensions of 1.
 * @param given sizes of dimensions, by key or position
 * @throws `MODEL_INVALID` with all that was tried, and the reason of the first failure; `INVALID_REQUEST` for an unknown dimension
 */
export const findBlank = async (task: Task, model: TaskModel, given: Dimensions): Promise<Blank> => {
  const { signature } = graphOf(model.graphs);
  const variable = variableDimensions(signature);
  assertKnown(given, signature, variable);
  const blanks = toBlanks(signature, variable, given);
  let first: { readonly blank: Blank; readonly reason: string } | undefined;
  for (const blank of blanks)
    try {
      await answerOne(task, model, task.blank(blank));
      return blank;
    } catch (error) {
      const failure = ServingError.from(error);
      if (failure.code !== 'INFERENCE_FAILED' && failure.code !== 'INVALID_INPUT') throw failure;
      first ??= { blank, reason: failure.message };
    }
  const { blank, reason } = first ?? { blank: { value: 0, dimensions: {} }, reason: 'its inputs are too large' };
  throw new ServingError('MODEL_INVALID', describeFailure(blank, blanks.length > 2, reason));
};
