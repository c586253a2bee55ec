import { elementCount } from '../core/tensor.ts';
import { ATTRIBUTE_TYPES } from './encode-graph.ts';
import {
  type Attribute,
  float,
  floats,
  integer,
  integers,
  type OnnxGraph,
  type OnnxNode,
  tensorValue,
  text,
  texts,
} from './node.ts';
import { type Field, fields, readIntegers } from './protobuf.ts';
import { ATTRIBUTE, GRAPH, NODE } from './schema.ts';
import { decodeValueInfo, decodeWeights, ELEMENT_FIELDS } from './tensor-proto.ts';

/** The contents of the fields of a message, by number. */
const contentsOf =
  (all: readonly Field[]) =>
  (wanted: number): Buffer[] =>
    all.filter(({ number }) => number === wanted).map(({ value }) => value);

const readFloats = (content: Buffer): number[] =>
  Array.from({ length: Math.floor(content.byteLength / 4) }, (_, index) => content.readFloatLE(index * 4));

const decodeAttribute = (message: Buffer): [name: string, attribute: Attribute] => {
  const contents = contentsOf([...fields(message)]);
  const last = (wanted: number): Buffer => contents(wanted).at(-1) ?? Buffer.alloc(0);
  const encoded: Attribute = { type: 'encoded', value: message };
  const decode = (): Attribute => {
    switch (Number(readIntegers(last(ATTRIBUTE.type))[0] ?? 0n)) {
      case ATTRIBUTE_TYPES.float:
        return float(readFloats(last(ATTRIBUTE.float))[0] ?? 0);
      case ATTRIBUTE_TYPES.integer:
        return integer(readIntegers(last(ATTRIBUTE.integer))[0] ?? 0n);
      case ATTRIBUTE_TYPES.text:
        return text(last(ATTRIBUTE.string).toString());
      case ATTRIBUTE_TYPES.floats:
        return floats(contents(ATTRIBUTE.floats).flatMap(readFloats));
      case ATTRIBUTE_TYPES.integers:
        return integers(contents(ATTRIBUTE.integers).flatMap(readIntegers));
      case ATTRIBUTE_TYPES.texts:
        return texts(contents(ATTRIBUTE.strings).map(String));
      case ATTRIBUTE_TYPES.graph:
        return { type: 'graph', value: decodeGraph(last(ATTRIBUTE.graph)) };
      case ATTRIBUTE_TYPES.tensor: {
        const message = last(ATTRIBUTE.tensor);
        const { external, dtype, shape, read } = decodeWeights(message);
        return external || dtype === undefined || isLeftOut(message, shape) ? encoded : tensorValue(read());
      }
      default:
        return encoded;
    }
  };
  return [last(ATTRIBUTE.name).toString(), decode()];
};

/** Tells whether the elements of a tensor were not read. */
const isLeftOut = (message: Buffer, shape: readonly number[]): boolean =>
  elementCount(shape) > 0 && ![...fields(message)].some(({ number }) => ELEMENT_FIELDS.includes(number));

const decodeNode = (message: Buffer): OnnxNode => {
  const contents = contentsOf([...fields(message)]);
  const textOf = (wanted: number): string => contents(wanted).at(-1)?.toString() ?? '';
  return {
    operator: textOf(NODE.operator),
    domain: textOf(NODE.domain),
    name: textOf(NODE.name),
    inputs: contents(NODE.input).map(String),
    outputs: contents(NODE.output).map(String),
    attributes: Object.fromEntries(contents(NODE.attribute).map(decodeAttribute)),
  };
};

/** The fields that `OnnxGraph` holds. Shapes of values within the graph are dropped: an edit makes them wrong. */
const HELD: readonly number[] = [GRAPH.node, GRAPH.initializer, GRAPH.input, GRAPH.output, GRAPH.valueInfo];

/** The graph of a `GraphProto`. @throws `RangeError` when a message is damaged */
export const decodeGraph = (message: Buffer): OnnxGraph => {
  const all = [...fields(message)];
  const contents = contentsOf(all);
  const weights = new Map(
    contents(GRAPH.initializer)
      .map(decodeWeights)
      .map((each) => [each.name, each]),
  );
  return {
    nodes: contents(GRAPH.node).map(decodeNode),
    weights,
    inputs: contents(GRAPH.input)
      .map(decodeValueInfo)
      .filter(({ name }) => !weights.has(name)),
    outputs: contents(GRAPH.output).map(decodeValueInfo),
    rest: all.filter(({ number }) => !HELD.includes(number)).map(({ bytes }) => bytes),
  };
};
