import { type OnnxModel, parsing } from './onnx-model.ts';
import { fields } from './protobuf.ts';
import { FUNCTION, GRAPH, MODEL, NODE, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';
import { DATA_TYPES } from './tensor-proto.ts';

/** Operators that hand on the values of their first input, if in another form. */
const HANDING_ON = new Set([
  ...['Cast', 'CastLike', 'DequantizeLinear', 'Dropout', 'Flatten', 'Identity', 'QuantizeLinear', 'Reshape'],
  ...['Squeeze', 'Transpose', 'Unsqueeze', 'ZipMap'],
]);
/** More than any chain of such operators has: functions of a damaged file may call each other without an end. */
const MOST_STEPS = 1_000;

interface Node {
  readonly operator: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const textsOf = (message: Buffer, field: number): string[] =>
  [...fields(message)].filter(({ number }) => number === field).map(({ value }) => value.toString());

const readNode = (node: Buffer): Node => ({
  operator: textsOf(node, NODE.operator).at(-1) ?? '',
  domain: textsOf(node, NODE.domain).at(-1) ?? '',
  inputs: textsOf(node, NODE.input),
  outputs: textsOf(node, NODE.output),
});

/** The node of a graph or function whose output is `name`. */
const producerOf = (parent: Buffer, nodeField: number, name: string): Node | undefined => {
  for (const { number, value } of fields(parent)) {
    if (number !== nodeField || !value.includes(name)) continue;
    const node = readNode(value);
    if (node.outputs.includes(name)) return node;
  }
  return undefined;
};

const only = (message: Buffer, field: number): Buffer | undefined =>
  [...fields(message)].find(({ number }) => number === field)?.value;

/** True for an output of floats, and for one that is no tensor. */
const mayBeScores = (output: Buffer): boolean => {
  const type = only(output, VALUE_INFO.type);
  const tensor = type && only(type, TYPE.tensor);
  return tensor === undefined || (only(tensor, TENSOR_TYPE.elementType) ?? [])[0] === DATA_TYPES.float32;
};

/** The output `preferred`, or else the first one of floats. */
const chooseOutput = (graph: Buffer, preferred: string): string | undefined => {
  const outputs = [...fields(graph)].filter(({ number }) => number === GRAPH.output).map(({ value }) => value);
  const named = outputs.flatMap((output) =>
    textsOf(output, VALUE_INFO.name)
      .slice(0, 1)
      .map((name) => ({ name, output })),
  );
  return (named.find(({ name }) => name === preferred) ?? named.find(({ output }) => mayBeScores(output)))?.name;
};

/** A graph or the body of a function, and the node that calls it. */
interface Scope {
  readonly body: Buffer;
  readonly call?: { readonly node: Node; readonly from: Scope };
}

/**
 * The operator that computes an output of a model: `preferred`, or the first one of floats. Operators behind it that only change the form of
 * its values are passed over, and functions of the model are entered.
 * @returns undefined when the output is an input or a weight
 * @throws `MODEL_INVALID` when a message of the model is damaged
 */
export const findLastOperator = ({ fields: all }: OnnxModel, preferred: string): string | undefined =>
  parsing(() => {
    const graph = all.find(({ number }) => number === MODEL.graph)?.value;
    const functions = all.filter(({ number }) => number === MODEL.function).map(({ value }) => value);
    const functionOf = ({ operator, domain }: Node): Buffer | undefined =>
      functions.find(
        (body) => textsOf(body, FUNCTION.name)[0] === operator && (textsOf(body, FUNCTION.domain)[0] ?? '') === domain,
      );
    if (graph === undefined) return undefined;
    let scope: Scope = { body: graph };
    let name = chooseOutput(graph, preferred);
    for (let step = 0; step < MOST_STEPS && name !== undefined; step += 1) {
      const { body, call } = scope;
      const node = producerOf(body, call === undefined ? GRAPH.node : FUNCTION.node, name);
      const callee = node && functionOf(node);
      if (node === undefined) {
        if (call === undefined) return undefined;
        name = call.node.inputs[textsOf(body, FUNCTION.input).indexOf(name)];
        scope = call.from;
      } else if (callee !== undefined) {
        name = textsOf(callee, FUNCTION.output)[node.outputs.indexOf(name)];
        scope = { body: callee, call: { node, from: scope } };
      } else if (HANDING_ON.has(node.operator)) [name] = node.inputs;
      else return node.operator;
    }
    return undefined;
  });
