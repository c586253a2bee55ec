import type { Tensor } from '../core/tensor.ts';
import { type Chunks, toField, toFloatField, toFloatsField, toIntegerField, toIntegersField } from './chunks.ts';
import { ATTRIBUTE, NODE } from './schema.ts';
import { encodeTensor } from './tensor-proto.ts';

/** The value of an attribute, with its type in ONNX. */
export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  /** The fields of a `GraphProto`. */
  | { readonly type: 'graph'; readonly value: Chunks }
  | { readonly type: 'floats'; readonly value: ArrayLike<number> }
  | { readonly type: 'integers'; readonly value: ArrayLike<number | bigint> }
  | { readonly type: 'texts'; readonly value: readonly string[] };

export type Attributes = Readonly<Record<string, Attribute>>;

export const float = (value: number): Attribute => ({ type: 'float', value });
export const integer = (value: number | bigint): Attribute => ({ type: 'integer', value });
export const text = (value: string): Attribute => ({ type: 'text', value });
export const floats = (value: ArrayLike<number>): Attribute => ({ type: 'floats', value });
export const integers = (value: ArrayLike<number | bigint>): Attribute => ({ type: 'integers', value });
export const texts = (value: readonly string[]): Attribute => ({ type: 'texts', value });
export const tensorValue = (value: Tensor): Attribute => ({ type: 'tensor', value });

/** Numbers of `AttributeProto.AttributeType`. */
const TYPES: Readonly<Record<Attribute['type'], number>> = {
  ...{ float: 1, integer: 2, text: 3, tensor: 4, graph: 5, floats: 6, integers: 7, texts: 8 },
};

const encodeValue = (attribute: Attribute): Chunks => {
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
      return toField(ATTRIBUTE.graph, attribute.value);
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

/** A node of a graph. */
export interface OnnxNode {
  readonly operator: string;
  /** Empty for the operators of ONNX itself. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** The fields of a `NodeProto`. */
export const encodeNode = ({ operator, domain, name, inputs, outputs, attributes }: OnnxNode): Chunks => [
  ...inputs.flatMap((input) => toField(NODE.input, input)),
  ...outputs.flatMap((output) => toField(NODE.output, output)),
  ...toField(NODE.name, name),
  ...toField(NODE.operator, operator),
  ...Object.entries(attributes).flatMap(([key, attribute]) =>
    toField(NODE.attribute, [
      ...toField(ATTRIBUTE.name, key),
      ...encodeValue(attribute),
      ...toIntegerField(ATTRIBUTE.type, TYPES[attribute.type]),
    ]),
  ),
  ...(domain === '' ? [] : toField(NODE.domain, domain)),
];
