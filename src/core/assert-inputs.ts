import { ServingError } from './errors.ts';
import { show } from './show.ts';
import { elementCount, formatSpec, type Signature, type Tensor, type TensorSpec, type Tensors } from './tensor.ts';

const quote = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ') || 'none';

/** @throws `INVALID_INPUT` naming the input */
export const refuseInput = (name: string, problem: string): never => {
  throw new ServingError('INVALID_INPUT', `input ${show(name)}: ${problem}`);
};

/**
 * Symbolic dimensions may have any size; that those of one name agree is left to the runtime, which broadcasts some. An input declared without
 * dimensions has any number of them: the runtime does not tell a scalar from a tensor of unknown rank.
 */
const assertShape = (spec: TensorSpec, tensor: Tensor): void => {
  const expected = formatSpec(spec);
  const received = formatSpec(tensor);
  if (spec.shape.length > 0 && tensor.shape.length !== spec.shape.length)
    refuseInput(
      spec.name,
      `has ${tensor.shape.length} dimensions (${received}), expected ${spec.shape.length} (${expected})`,
    );
  spec.shape.forEach((dimension, axis) => {
    const size = tensor.shape[axis] ?? 0;
    if (typeof dimension === 'number') {
      if (size !== dimension)
        refuseInput(spec.name, `dimension ${axis} is ${size} (${received}), expected ${dimension} (${expected})`);
      return;
    }
    if (axis === 0 && size === 0)
      refuseInput(spec.name, `has no rows (${received}), expected at least 1 (${expected})`);
  });
};

/** Tells whether the graph gives `input` back, longer: an output has its data type, its rank and its fixed sizes. */
const isCache = (input: TensorSpec, { outputs }: Signature): boolean =>
  outputs.some(
    ({ dtype, shape }) =>
      dtype === input.dtype &&
      (shape.length === 0 || shape.length === input.shape.length) && // 0: of unknown rank
      shape.every((size, axis) => {
        const own = input.shape[axis];
        return typeof size === 'string' || typeof own === 'string' || size === own;
      }),
  );

/**
 * The cache of a decoder is empty before its first step, beside inputs with elements. No other input may be: operators of onnxruntime divide
 * by a size of 0, which ends the process.
 */
const assertElements = (signature: Signature, feeds: Tensors): void => {
  const isEmpty = ({ name, shape }: TensorSpec): boolean => feeds[name]?.data.length === 0 && !shape.includes(0);
  const empty = signature.inputs.filter(isEmpty);
  const wrong = empty.length === signature.inputs.length ? empty[0] : empty.find((spec) => !isCache(spec, signature));
  if (wrong !== undefined)
    refuseInput(
      wrong.name,
      `has no elements ([${feeds[wrong.name]?.shape}]), expected at least 1 (${formatSpec(wrong)})`,
    );
};

/**
 * onnxruntime itself ignores extra inputs, and an empty batch may end the process within it.
 * @throws `INVALID_INPUT` naming the input, its tensor and the tensor that the graph takes
 */
export const assertInputs = (signature: Signature, feeds: Tensors): void => {
  const known = new Set(signature.inputs.map(({ name }) => name));
  for (const name of Object.keys(feeds))
    if (!known.has(name)) refuseInput(name, `unknown, the model takes ${quote([...known])}`);
  for (const spec of signature.inputs) {
    const tensor = feeds[spec.name];
    if (tensor === undefined)
      throw new ServingError('INVALID_INPUT', `input "${spec.name}" is missing (${formatSpec(spec)})`);
    if (tensor.dtype !== spec.dtype) refuseInput(spec.name, `is ${tensor.dtype}, expected ${spec.dtype}`);
    assertShape(spec, tensor);
    if (tensor.data.length !== elementCount(tensor.shape))
      refuseInput(
        spec.name,
        `has ${tensor.data.length} elements, its shape [${tensor.shape}] has ${elementCount(tensor.shape)}`,
      );
  }
  assertElements(signature, feeds);
};
