import { type ModelEdit, messageField } from './edit-model.ts';
import { encodeNode } from './encode-graph.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { type Field, fields, readIntegers, textOf } from './protobuf.ts';
import { GRAPH, NODE, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';
import { DATA_TYPES, encodeValueInfo } from './tensor-proto.ts';
import { classesOfNode, isGraph, isNode } from './zip-map.ts';

/** A list of tensors, such as the probabilities of each target. */
interface Sequence {
  readonly output: string;
  readonly inputs: readonly string[];
}

const isSequence = (field: Field): boolean =>
  isNode(field) && textOf(field.value, NODE.operator) === 'SequenceConstruct';

const readSequence = ({ value: node }: Field): Sequence => ({
  output: textOf(node, NODE.output) ?? '',
  inputs: [...fields(node)].filter(({ number }) => number === NODE.input).map(({ value }) => value.toString()),
});

/** The content of the message `number` within a message. */
const inner = (message: Buffer | undefined, number: number): Buffer | undefined =>
  message && [...fields(message)].find((field) => field.number === number)?.value;

/** The type of the tensors in an output that is a list of them. */
const elementOf = (output: Buffer): 'float32' | 'float64' => {
  const element = inner(inner(inner(output, VALUE_INFO.type), TYPE.sequence), TYPE.sequenceElement);
  const [type] = readIntegers(inner(inner(element, TYPE.tensor), TENSOR_TYPE.elementType) ?? Buffer.of());
  return Number(type) === DATA_TYPES.float64 ? 'float64' : 'float32';
};

/** The sequences that are outputs of the graph. */
const sequencesOf = (graph: readonly Field[]): Sequence[] => {
  const outputs = new Set(
    graph.filter(({ number }) => number === GRAPH.output).map(({ value }) => textOf(value, VALUE_INFO.name)),
  );
  return graph
    .filter(isSequence)
    .map(readSequence)
    .filter(({ output }) => outputs.has(output));
};

const nameOf = ({ output }: Sequence, index: number): string => `${output}_${index}`;

/** An output for each tensor of the list, `output_0`, `output_1`, …, in the place of an output. */
const replaceOutput = (field: Field, sequences: readonly Sequence[]): Field[] => {
  const name = textOf(field.value, VALUE_INFO.name);
  const sequence = sequences.find(({ output }) => output === name);
  if (sequence === undefined) return [field];
  return sequence.inputs.map((_, index) =>
    messageField(GRAPH.output, encodeValueInfo(nameOf(sequence, index), elementOf(field.value), ['', ''])),
  );
};

/** The tensors of a list under the names of their outputs. */
const toNodes = (sequence: Sequence): Field[] =>
  sequence.inputs.map((input, index) => {
    const name = nameOf(sequence, index);
    const node = { operator: 'Identity', domain: '', name, inputs: [input], outputs: [name], attributes: {} };
    return messageField(GRAPH.node, encodeNode(node));
  });

/**
 * Makes an output of each tensor of a list. skl2onnx makes a list of the probabilities of several targets, which onnxruntime-node cannot
 * hand over.
 */
export const withoutSequences: ModelEdit = (parts) => {
  const sequences = sequencesOf(parts.graph);
  if (sequences.length === 0) return parts;
  const graph = parts.graph.flatMap((part) => {
    const sequence = isSequence(part) && sequences.find(({ output }) => output === readSequence(part).output);
    if (sequence) return toNodes(sequence);
    return part.number === GRAPH.output ? replaceOutput(part, sequences) : [part];
  });
  return { ...parts, graph };
};

/**
 * The classes of each target of a scikit-learn model whose output is a list: those of its classifiers, in their order.
 * Undefined without a list, and unless one classifier for each target names classes.
 * @throws `MODEL_INVALID` when a message of the model is damaged
 */
export const findTargetClasses = (model: OnnxModel): string[][] | undefined =>
  parsing(() => {
    const graph = model.fields.filter(isGraph).flatMap(({ value }) => [...fields(value)]);
    const [sequence] = sequencesOf(graph);
    if (sequence === undefined) return undefined;
    const named = graph
      .filter(isNode)
      .map(({ value }) => classesOfNode(value))
      .filter(({ length }) => length > 0);
    return named.length === sequence.inputs.length ? named : undefined;
  });
