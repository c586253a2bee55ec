import type { Tensor } from '../core/tensor.ts';
import type { Chunks } from './chunks.ts';
import type { ValueInfo, Weights } from './tensor-proto.ts';

/** The value of an attribute, with its type in ONNX. */
export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  /** A graph, or the fields of one that was built. */
  | { readonly type: 'graph'; readonly value: OnnxGraph | Chunks }
  | { readonly type: 'floats'; readonly value: ArrayLike<number> }
  | { readonly type: 'integers'; readonly value: ArrayLike<number | bigint> }
  | { readonly type: 'texts'; readonly value: readonly string[] }
  /** The fields of an attribute as they stand in the file, of a type that no editor reads. */
  | { readonly type: 'encoded'; readonly value: Uint8Array };

export type Attributes = Readonly<Record<string, Attribute>>;

export const float = (value: number): Attribute => ({ type: 'float', value });
export const integer = (value: number | bigint): Attribute => ({ type: 'integer', value });
export const text = (value: string): Attribute => ({ type: 'text', value });
export const floats = (value: ArrayLike<number>): Attribute => ({ type: 'floats', value });
export const integers = (value: ArrayLike<number | bigint>): Attribute => ({ type: 'integers', value });
export const texts = (value: readonly string[]): Attribute => ({ type: 'texts', value });
export const tensorValue = (value: Tensor): Attribute => ({ type: 'tensor', value });

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

/** A node, of ONNX itself unless `domain` names another set of operators. It is named after its first output. */
export const createNode = (
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
  domain = '',
): OnnxNode => ({ operator, domain, name: `${operator}_${outputs[0]}`, inputs, outputs, attributes });

/** A graph, or a graph within a node. Weights are views of the file's bytes until their numbers are read. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** By name. */
  readonly weights: ReadonlyMap<string, Weights>;
  /** Inputs without those that are weights, too, as in files of IR 3. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Its other fields as they stand in the file: name, text, sparse weights. */
  readonly rest: Chunks;
}

/** The integer attribute `name`; `fallback` where the node has none. */
export const integerOf = ({ attributes }: OnnxNode, name: string, fallback: number): number => {
  const attribute = attributes[name];
  return attribute?.type === 'integer' ? Number(attribute.value) : fallback;
};

export const isGraph = (value: OnnxGraph | Chunks): value is OnnxGraph => 'nodes' in value;

/** The decoded graphs within a node, such as the branches of `If`. */
export const graphsOf = ({ attributes }: OnnxNode): OnnxGraph[] =>
  Object.values(attributes).flatMap((attribute) =>
    attribute.type === 'graph' && isGraph(attribute.value) ? [attribute.value] : [],
  );
