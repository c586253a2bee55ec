import { type Chunks, toField } from './chunks.ts';
import { encodeNode } from './node.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { type Field, fields, readIntegers } from './protobuf.ts';
import { GRAPH, MODEL, NODE, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';
import { DATA_TYPES, encodeValueInfo } from './tensor-proto.ts';
import { classesOfNode, isGraph, isNode, textOf } from './zip-map.ts';

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
const replaceOutput = (field: Field, sequences: readonly Sequence[]): Chunks => {
  const name = textOf(field.value, VALUE_INFO.name);
  const sequence = sequences.find(({ output }) => output === name);
  if (sequence === undefined) return [field.bytes];
  return sequence.inputs.flatMap((_, index) =>
    toField(GRAPH.output, encodeValueInfo(nameOf(sequence, index), elementOf(field.value), ['', ''])),
  );
};

/** The tensors of a list under the names of their outputs. */
const toNodes = (sequence: Sequence): Chunks =>
  sequence.inputs.flatMap((input, index) => {
    const name = nameOf(sequence, index);
    const node = { operator: 'Identity', domain: '', name, inputs: [input], outputs: [name], attributes: {} };
    return toField(GRAPH.node, encodeNode(node));
  });

/**
 * The bytes of the same model with an output for each tensor of a list, in pieces that share the model's memory; undefined without a list.
 * skl2onnx makes a list of the probabilities of several targets, which onnxruntime-node cannot hand over.
 *
 * @throws `MODEL_INVALID` when a message of the model is damaged
 */
export const withoutSequences = (model: OnnxModel): Chunks | undefined =>
  parsing(() => {
    let isChanged = false;
    const pieces = model.fields.flatMap((field) => {
      const all = isGraph(field) ? [...fields(field.value)] : [];
      const sequences = sequencesOf(all);
      if (sequences.length === 0) return [field.bytes];
      isChanged = true;
      const content = all.flatMap((part) => {
        const sequence = isSequence(part) && sequences.find(({ output }) => output === readSequence(part).output);
        if (sequence) return toNodes(sequence);
        return part.number === GRAPH.output ? replaceOutput(part, sequences) : [part.bytes];
      });
      return toField(MODEL.graph, content);
    });
    return isChanged ? pieces : undefined;
  });

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
