import { ServingError } from '../core/errors.ts';
import { fields, readEntry } from './protobuf.ts';

/**
 * Which fields of a message lead to tensors, by field number.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
const CHILDREN = {
  Model: { 7: 'Graph', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 15: 'SparseTensor' },
  Function: { 7: 'Node' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'SparseTensor', 23: 'SparseTensor' },
  SparseTensor: { 1: 'Tensor', 2: 'Tensor' },
} as const satisfies Record<string, Record<number, string>>;

type Parent = keyof typeof CHILDREN;
type Child = Parent | 'Tensor';

const TENSOR = { externalData: 13, dataLocation: 14 };
const EXTERNAL = 1;

function* tensorLocations(tensor: Buffer): Generator<string> {
  const known = [...fields(tensor)];
  if (!known.some(({ number, value }) => number === TENSOR.dataLocation && value[0] === EXTERNAL)) return;
  for (const { number, value } of known) {
    if (number !== TENSOR.externalData) continue;
    const [key, location] = readEntry(value);
    if (key === 'location') yield location;
  }
}

function* locations(kind: Child, message: Buffer): Generator<string> {
  if (kind === 'Tensor') {
    yield* tensorLocations(message);
    return;
  }
  const children: Readonly<Record<number, Child>> = CHILDREN[kind];
  for (const { number, value, isVarint } of fields(message)) {
    const child = children[number];
    if (child !== undefined && !isVarint) yield* locations(child, value);
  }
}

/**
 * The files that an ONNX graph takes weights from, as it names them: relative to its own folder, each once.
 * @throws `MODEL_INVALID` when `graph` is no ONNX file
 */
export const externalDataOf = (graph: Buffer): string[] => {
  try {
    return [...new Set(locations('Model', graph))];
  } catch (error) {
    throw new ServingError('MODEL_INVALID', 'it is not an ONNX file, or was cut short', { cause: error });
  }
};
