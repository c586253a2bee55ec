import { readEntry } from './entry.ts';
import { type Field, fields } from './protobuf.ts';
import { ATTRIBUTE, EXTERNAL, FUNCTION, GRAPH, MODEL, NODE, SPARSE_TENSOR, TENSOR } from './schema.ts';

/** The fields of a message that lead to tensors, by field number. */
const CHILDREN = {
  Model: { [MODEL.graph]: 'Graph', [MODEL.function]: 'Function' },
  Graph: { [GRAPH.node]: 'Node', [GRAPH.initializer]: 'Tensor', [GRAPH.sparseInitializer]: 'SparseTensor' },
  Function: { [FUNCTION.node]: 'Node' },
  Node: { [NODE.attribute]: 'Attribute' },
  Attribute: {
    [ATTRIBUTE.tensor]: 'Tensor',
    [ATTRIBUTE.graph]: 'Graph',
    [ATTRIBUTE.tensors]: 'Tensor',
    [ATTRIBUTE.graphs]: 'Graph',
    [ATTRIBUTE.sparseTensor]: 'SparseTensor',
    [ATTRIBUTE.sparseTensors]: 'SparseTensor',
  },
  SparseTensor: { [SPARSE_TENSOR.values]: 'Tensor', [SPARSE_TENSOR.indices]: 'Tensor' },
} as const satisfies Record<string, Record<number, string>>;

type Parent = keyof typeof CHILDREN;
type Child = Parent | 'Tensor';

function* tensorLocations(tensor: Buffer): Generator<string> {
  const known = [...fields(tensor)];
  if (!known.some(({ number, value }) => number === TENSOR.dataLocation && value[0] === EXTERNAL)) return;
  for (const { number, value } of known) {
    if (number !== TENSOR.externalData) continue;
    const [key, location] = readEntry(value);
    if (key === 'location') yield location;
  }
}

function* locations(parent: Parent, message: Iterable<Field>): Generator<string> {
  const children: Readonly<Record<number, Child>> = CHILDREN[parent];
  for (const { number, value, isVarint } of message) {
    const child = children[number];
    if (child === undefined || isVarint) continue;
    if (child === 'Tensor') yield* tensorLocations(value);
    else yield* locations(child, fields(value));
  }
}

/** The files from which a model takes weights, relative to the folder of its file, each once. @throws `RangeError` when a message is damaged */
export const externalDataOf = (model: Iterable<Field>): string[] => [...new Set(locations('Model', model))];
