import { type Field, fields } from './protobuf.ts';
import { ATTRIBUTE, FUNCTION, GRAPH, MODEL, NODE, SPARSE_TENSOR } from './schema.ts';

/** The fields of a message that lead to tensors, by field number. */
export const CHILDREN = {
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

export type Parent = keyof typeof CHILDREN;
export type Child = Parent | 'Tensor';

/** A message within a model. */
export interface Message {
  readonly kind: Child;
  readonly value: Buffer;
}

/** The messages of a model that lead to tensors, and the tensors, each before its own parts. @throws `RangeError` when one is damaged */
export function* messagesOf(parent: Parent, message: Iterable<Field>): Generator<Message> {
  const children: Readonly<Record<number, Child>> = CHILDREN[parent];
  for (const { number, value, isVarint } of message) {
    const kind = children[number];
    if (kind === undefined || isVarint) continue;
    yield { kind, value };
    if (kind !== 'Tensor') yield* messagesOf(kind, fields(value));
  }
}
