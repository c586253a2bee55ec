import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { formatSpec, type Signature, type Tensor, type Tensors } from '../../core/tensor.ts';
import { type BinaryReader, createBinaryReader, fromBinary, rawTensor } from './binary.ts';
import { assertInputBounds } from './bounds.ts';
import { DATATYPES, toDType } from './datatypes.ts';
import { type OutputForm, readBinaryOutput, readBinarySize, readOutputForm } from './parameters.ts';
import { toTensor } from './tensor-data.ts';

/** An infer request, checked against the protocol. The engine checks it against the graph. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly feeds: Tensors;
  /** The outputs to compute by name, in the caller's order. */
  readonly outputs: ReadonlyMap<string, OutputForm>;
  /** False for all outputs, because the request names none. */
  readonly areOutputsNamed: boolean;
}

/** A request as it came through `/v2`. Tensors of the task API and of uploads have no such body, and are JSON alone. */
export class InferBody {
  /** The parsed JSON; undefined for a body that is the bytes of the only input. */
  readonly document: unknown;
  /** The bytes behind the JSON; undefined for a body of JSON alone. */
  readonly binary: Uint8Array | undefined;

  constructor(document: unknown, binary?: Uint8Array) {
    this.document = document;
    this.binary = binary;
  }
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

const parseInput = (input: unknown, position: number, reader: BinaryReader | undefined): [string, Tensor] => {
  if (!isObject(input) || typeof input.name !== 'string')
    return refuse('INVALID_REQUEST', `inputs[${position}] needs a "name", "shape", "datatype" and "data"`);
  const { name, datatype, data } = input;
  if (typeof datatype !== 'string')
    return refuse('INVALID_REQUEST', `input ${show(name)}: datatype is missing, expected a name such as "FP32"`);
  const dtype = toDType(datatype);
  if (dtype === undefined)
    return refuse(
      'INVALID_REQUEST',
      `input ${show(name)}: datatype ${show(datatype)} is unknown, expected ${Object.values(DATATYPES).join(', ')}`,
    );
  const shape = parseShape(name, input.shape);
  const size = readBinarySize(name, input, reader !== undefined);
  if (dtype === 'float16' && size === undefined)
    return refuse(
      'INVALID_REQUEST',
      `input ${show(name)}: FP16 has no JSON form, send its bytes to /v2 with "parameters": {"binary_data_size": …}`,
    );
  const parsed =
    size !== undefined && reader !== undefined
      ? fromBinary(name, dtype, shape, reader.take(name, size))
      : toTensor(name, dtype, shape, data); // takes no more memory than the body
  assertInputBounds(name, shape);
  return [name, parsed];
};

/** Answers in bytes: whether a request may ask for them, and whether it does. */
interface BinaryOutputs {
  readonly mayBeBinary: boolean;
  readonly isBinary: boolean;
}

const parseOutput = (
  output: unknown,
  known: readonly string[],
  { isBinary, mayBeBinary }: BinaryOutputs,
): [string, OutputForm] => {
  const name = isObject(output) ? output.name : undefined;
  if (!isObject(output) || typeof name !== 'string' || !known.includes(name))
    return refuse(
      'INVALID_REQUEST',
      `output ${show(name)} is unknown, the model gives ${known.map((given) => `"${given}"`).join(', ')}`,
    );
  return [name, readOutputForm(name, output, isBinary, mayBeBinary)];
};

const parseOutputs = (
  given: unknown,
  { outputs: specs }: Signature,
  binary: BinaryOutputs,
): InferRequest['outputs'] => {
  const known = specs.map(({ name }) => name);
  const outputs = given ?? [];
  if (!Array.isArray(outputs)) return refuse('INVALID_REQUEST', '"outputs" is no list, expected [{"name": …}]');
  const forms: InferRequest['outputs'] =
    outputs.length === 0
      ? new Map(known.map((name) => [name, { isBinary: binary.isBinary }]))
      : new Map(outputs.map((output: unknown) => parseOutput(output, known, binary)));
  if (forms.size < outputs.length)
    refuse(
      'INVALID_REQUEST',
      `"outputs" has ${outputs.length} elements and ${forms.size} names, expected each output once`,
    );
  for (const spec of specs) {
    const form = forms.get(spec.name);
    if (spec.dtype === 'float16' && form !== undefined && !form.isBinary && form.classes === undefined)
      refuse(
        'INVALID_REQUEST',
        `output "${spec.name}" is ${formatSpec(spec)}, and FP16 has no JSON form: ask /v2 for "parameters": {"binary_data": true}`,
      );
  }
  return forms;
};

/**
 * @param body an `InferBody`, or a document of JSON alone
 * @throws `INVALID_REQUEST`, `INVALID_INPUT` naming the input and both values
 */
export const parseInferRequest = (body: unknown, signature: Signature): InferRequest => {
  const { document, binary } = body instanceof InferBody ? body : new InferBody(body);
  if (document === undefined && binary !== undefined) {
    const [name, only] = rawTensor(binary, signature);
    const outputs = parseOutputs(undefined, signature, { isBinary: true, mayBeBinary: true });
    return { id: undefined, feeds: { [name]: only }, outputs, areOutputsNamed: false };
  }
  if (!isObject(document))
    return refuse(
      'INVALID_REQUEST',
      'the body is no JSON object, expected {"inputs": [{"name", "shape", "datatype", "data"}]}',
    );
  const { inputs } = document;
  const id = document.id ?? undefined; // clients write null for what they leave out
  if (id !== undefined && typeof id !== 'string')
    return refuse('INVALID_REQUEST', `id is ${show(id)}, expected a string`);
  const mayBeEmpty = signature.inputs.every((spec) => spec.default !== undefined);
  if (!Array.isArray(inputs) || (inputs.length === 0 && !mayBeEmpty))
    return refuse(
      'INVALID_REQUEST',
      '"inputs" is no list with elements, expected [{"name", "shape", "datatype", "data"}]',
    );
  const mayBeBinary = body instanceof InferBody;
  const isBinary = readBinaryOutput(document, mayBeBinary);
  const reader = binary && createBinaryReader(binary);
  const feeds: Record<string, Tensor> = Object.create(null); // a caller may name an input __proto__
  inputs.forEach((input: unknown, position) => {
    const [name, parsed] = parseInput(input, position, reader);
    if (Object.hasOwn(feeds, name)) refuse('INVALID_REQUEST', `input ${show(name)} is there twice`);
    feeds[name] = parsed;
  });
  reader?.end();
  const outputs = parseOutputs(document.outputs, signature, { isBinary, mayBeBinary });
  return { id, feeds, outputs, areOutputsNamed: Array.isArray(document.outputs) && document.outputs.length > 0 };
};
