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
  const refuse = (came: string, expected: number | string): never =>
    refuseInput(spec.name, `${came} (${formatSpec(tensor)}), expected ${expected} (${formatSpec(spec)})`);
  if (spec.shape.length > 0 && tensor.shape.length !== spec.shape.length)
    refuse(`has ${tensor.shape.length} dimensions`, spec.shape.length);
  spec.shape.forEach((dimension, axis) => {
    const size = tensor.shape[axis] ?? 0;
    if (typeof dimension === 'number') {
      if (size !== dimension) refuse(`dimension ${axis} is ${size}`, dimension);
      return;
    }
    if (axis === 0 && size === 0) refuse('has no rows', 'at least 1');
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
  const { inputs } = signature;
  for (const name of Object.keys(feeds))
    if (!inputs.some((spec) => spec.name === name))
      refuseInput(name, `unknown, the model takes ${quote(inputs.map((spec) => spec.name))}`);
  for (const spec of inputs) {
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
