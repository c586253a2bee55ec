import { type Chunks, toField, toFloatField, toFloatsField, toIntegerField, toIntegersField } from './chunks.ts';
import { type Attribute, isGraph, type OnnxGraph, type OnnxNode } from './node.ts';
import { ATTRIBUTE, GRAPH, NODE } from './schema.ts';
import { encodeTensor } from './tensor-proto.ts';

type Encodable = Exclude<Attribute, { type: 'encoded' }>;

/** Numbers of `AttributeProto.AttributeType`. */
export const ATTRIBUTE_TYPES = {
  ...{ float: 1, integer: 2, text: 3, tensor: 4, graph: 5, floats: 6, integers: 7, texts: 8 },
} as const satisfies Record<Encodable['type'], number>;

const encodeValue = (attribute: Encodable): Chunks => {
  switch (attribute.type) {
    case 'float':
      return toFloatField(ATTRIBUTE.float, attribute.value);
    case 'integer':
      return toIntegerField(ATTRIBUTE.integer, attribute.value);
    case 'text':
      return toField(ATTRIBUTE.string, attribute.value);
    case 'tensor':
      return toField(ATTRIBUTE.tensor, encodeTensor(attribute.value));
    case 'graph':
      return toField(ATTRIBUTE.graph, isGraph(attribute.value) ? encodeGraph(attribute.value) : attribute.value);
    case 'floats':
      return toFloatsField(ATTRIBUTE.floats, attribute.value);
    case 'integers':
      return toIntegersField(ATTRIBUTE.integers, attribute.value);
    case 'texts':
      return encodeTexts(attribute.value);
  }
};

/** All texts in one buffer. Trees have some million texts, and few differ. */
const encodeTexts = (values: readonly string[]): Chunks => {
  const known = new Map<string, Buffer>();
  const encode = (value: string): Buffer => {
    const found = known.get(value) ?? Buffer.concat(toField(ATTRIBUTE.strings, value));
    known.set(value, found);
    return found;
  };
  return [Buffer.concat(values.map(encode))];
};

const encodeAttribute = (name: string, attribute: Attribute): Chunks =>
  attribute.type === 'encoded'
    ? [attribute.value]
    : [
        ...toField(ATTRIBUTE.name, name),
        ...encodeValue(attribute),
        ...toIntegerField(ATTRIBUTE.type, ATTRIBUTE_TYPES[attribute.type]),
      ];

/** The fields of a `NodeProto`. */
export const encodeNode = ({ operator, domain, name, inputs, outputs, attributes }: OnnxNode): Chunks => [
  ...inputs.flatMap((input) => toField(NODE.input, input)),
  ...outputs.flatMap((output) => toField(NODE.output, output)),
  ...toField(NODE.name, name),
  ...toField(NODE.operator, operator),
  ...Object.entries(attributes).flatMap(([key, attribute]) => toField(NODE.attribute, encodeAttribute(key, attribute))),
  ...(domain === '' ? [] : toField(NODE.domain, domain)),
];

/** The fields of a `GraphProto`. */
export const encodeGraph = ({ nodes, weights, inputs, outputs, rest }: OnnxGraph): Chunks => [
  ...nodes.flatMap((node) => toField(GRAPH.node, encodeNode(node))),
  ...rest,
  ...[...weights.values()].flatMap(({ encoded }) => toField(GRAPH.initializer, encoded)),
  ...inputs.flatMap(({ encoded }) => toField(GRAPH.input, encoded)),
  ...outputs.flatMap(({ encoded }) => toField(GRAPH.output, encoded)),
];
