import { ServingError } from './errors.ts';
import { show } from './show.ts';
import { elementCount, formatSpec, type Signature, type Tensor, type TensorSpec, type Tensors } from './tensor.ts';

const quote = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ') || 'none';

/** @throws `INVALID_INPUT` naming the input */
export const refuseInput = (name: string, problem: string): never => {
  throw new ServingError('INVALID_INPUT', `input ${show(name)}: ${problem}`);
};

const assertShape = (spec: TensorSpec, tensor: Tensor, sizes: Map<string, { size: number; input: string }>): void => {
  const expected = formatSpec(spec);
  const received = formatSpec(tensor);
  if (tensor.shape.length !== spec.shape.length)
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
    if (dimension === '') return;
    // A symbolic dimension may have any size, but the same one wherever its name stands: batch sizes have to agree.
    const known = sizes.get(dimension);
    if (known === undefined) sizes.set(dimension, { size, input: spec.name });
    else if (known.size !== size)
      refuseInput(
        spec.name,
        `dimension ${axis} ("${dimension}") is ${size}, but input "${known.input}" has ${known.size} there`,
      );
  });
};

/** @throws `INVALID_INPUT` naming the input, its tensor and the tensor that the graph takes. onnxruntime itself ignores extra inputs. */
export const assertInputs = (signature: Signature, feeds: Tensors): void => {
  const known = new Set(signature.inputs.map(({ name }) => name));
  for (const name of Object.keys(feeds))
    if (!known.has(name)) refuseInput(name, `unknown, the model takes ${quote([...known])}`);
  const sizes = new Map<string, { size: number; input: string }>();
  for (const spec of signature.inputs) {
    const tensor = feeds[spec.name];
    if (tensor === undefined)
      throw new ServingError('INVALID_INPUT', `input "${spec.name}" is missing (${formatSpec(spec)})`);
    if (tensor.dtype !== spec.dtype) refuseInput(spec.name, `is ${tensor.dtype}, expected ${spec.dtype}`);
    assertShape(spec, tensor, sizes);
    if (tensor.data.length !== elementCount(tensor.shape))
      refuseInput(
        spec.name,
        `has ${tensor.data.length} elements, its shape [${tensor.shape}] has ${elementCount(tensor.shape)}`,
      );
  }
};
