import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { formatSpec, type Signature, type Tensor, type Tensors } from '../../core/tensor.ts';
import { assertInputBounds } from './bounds.ts';
import { DATATYPES, toDType } from './datatypes.ts';
import { toJsonData, toTensor } from './tensor-data.ts';

/** An infer request, checked against the protocol. The engine checks it against the graph. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly feeds: Tensors;
  /** Names of the outputs to compute, in the caller's order. */
  readonly outputNames: readonly string[];
}

/** The protocol refuses JSON that is nested deeper. */
const HIGHEST_RANK = 100;

const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;

const parseShape = (name: string, shape: unknown): number[] => {
  if (Array.isArray(shape) && shape.length <= HIGHEST_RANK && shape.every(isSize)) return shape;
  return refuse(
    'INVALID_REQUEST',
    `input ${show(name)}: shape is ${show(shape)}, expected a list of at most ${HIGHEST_RANK} sizes, such as [1,3,224,224]`,
  );
};

const parseInput = (input: unknown, position: number): [string, Tensor] => {
  if (!isObject(input) || typeof input.name !== 'string')
    return refuse('INVALID_REQUEST', `inputs[${position}] needs a "name", "shape", "datatype" and "data"`);
  const { name, datatype, data, parameters } = input;
  if (typeof datatype !== 'string')
    return refuse('INVALID_REQUEST', `input ${show(name)}: datatype is missing, expected a name such as "FP32"`);
  const dtype = toDType(datatype);
  if (dtype === undefined)
    return refuse(
      'INVALID_REQUEST',
      `input ${show(name)}: datatype ${show(datatype)} is unknown, expected ${Object.values(DATATYPES).join(', ')}`,
    );
  if (dtype === 'float16')
    return refuse(
      'INVALID_REQUEST',
      `input ${show(name)}: FP16 has no JSON form, and the binary data format is not supported yet; use a model with float32 inputs`,
    );
  if (isObject(parameters) && 'binary_data_size' in parameters)
    return refuse('INVALID_REQUEST', `input ${show(name)}: binary data is not supported here, send "data" as JSON`);
  const shape = parseShape(name, input.shape);
  const parsed = toTensor(name, dtype, shape, data); // takes no more memory than the body
  assertInputBounds(name, shape);
  return [name, parsed];
};

const parseOutputs = (outputs: unknown, signature: Signature): string[] => {
  const known = signature.outputs.map(({ name }) => name);
  if (outputs === undefined) return known;
  if (!Array.isArray(outputs)) return refuse('INVALID_REQUEST', '"outputs" is no list, expected [{"name": …}]');
  if (outputs.length === 0) return known;
  return outputs.map((output: unknown) => {
    const name = isObject(output) ? output.name : undefined;
    if (typeof name !== 'string' || !known.includes(name))
      return refuse(
        'INVALID_REQUEST',
        `output ${show(name)} is unknown, the model gives ${known.map((given) => `"${given}"`).join(', ')}`,
      );
    return name;
  });
};

/** @throws `INVALID_REQUEST`, `INVALID_INPUT` naming the input and both values */
export const parseInferRequest = (body: unknown, signature: Signature): InferRequest => {
  if (!isObject(body))
    return refuse(
      'INVALID_REQUEST',
      'the body is no JSON object, expected {"inputs": [{"name", "shape", "datatype", "data"}]}',
    );
  const { id, inputs } = body;
  if (id !== undefined && typeof id !== 'string')
    return refuse('INVALID_REQUEST', `id is ${show(id)}, expected a string`);
  const mayBeEmpty = signature.inputs.every((spec) => spec.default !== undefined);
  if (!Array.isArray(inputs) || (inputs.length === 0 && !mayBeEmpty))
    return refuse(
      'INVALID_REQUEST',
      '"inputs" is no list with elements, expected [{"name", "shape", "datatype", "data"}]',
    );
  const feeds: Record<string, Tensor> = Object.create(null); // a caller may name an input __proto__
  inputs.forEach((input: unknown, position) => {
    const [name, tensor] = parseInput(input, position);
    if (Object.hasOwn(feeds, name)) refuse('INVALID_REQUEST', `input ${show(name)} is there twice`);
    feeds[name] = tensor;
  });
  const outputNames = parseOutputs(body.outputs, signature);
  for (const spec of signature.outputs)
    if (spec.dtype === 'float16' && outputNames.includes(spec.name))
      refuse(
        'INVALID_REQUEST',
        `output "${spec.name}" is ${formatSpec(spec)}, and FP16 has no JSON form; name other outputs, or export the model with float32 outputs`,
      );
  return { id, feeds, outputNames };
};

/** The version that gave an answer. */
export interface Responder {
  readonly name: string;
  readonly version: number;
}

/** The response to an infer request as JSON text, written by hand: `JSON.stringify` knows neither typed arrays nor 64-bit integers. */
export const formatInferResponse = (
  { id, outputs }: { readonly id: string | undefined; readonly outputs: Tensors },
  { name: modelName, version }: Responder,
): string => {
  const tensors = Object.entries(outputs).map(
    ([name, tensor]) =>
      `{"name":${JSON.stringify(name)},"datatype":"${DATATYPES[tensor.dtype]}","shape":[${tensor.shape}],"data":${toJsonData(tensor)}}`,
  );
  const head = JSON.stringify({
    model_name: modelName,
    model_version: String(version),
    ...(id !== undefined && { id }),
  });
  return `${head.slice(0, -1)},"outputs":[${tensors.join(',')}]}`;
};
