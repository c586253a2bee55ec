import { dataTypeName } from './data-types.ts';
import { type Field, fields, readIntegers } from './protobuf.ts';
import { DIMENSION, SHAPE, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.ts';

/** An input or an output as the graph declares it. */
export interface DeclaredValue {
  readonly name: string;
  /** The type of a tensor's elements; `sequence`, `map`, `optional` or `sparse tensor` of anything else. */
  readonly type: string;
  /** A string is a symbolic dimension, an empty one a dimension without a name; undefined when no shape is declared. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** The content of a field; the last one counts, as in any parser of Protobuf. */
export const contentOf = (message: Iterable<Field>, wanted: number): Buffer | undefined => {
  let content: Buffer | undefined;
  for (const { number, value } of message) if (number === wanted) content = value;
  return content;
};

/** A field that is a text; empty when there is none. */
export const textOf = (message: Iterable<Field>, wanted: number): string =>
  contentOf(message, wanted)?.toString() ?? '';

/** A field that is an integer; 0 when there is none. */
export const integerOf = (message: Iterable<Field>, wanted: number): number =>
  Number(readIntegers(contentOf(message, wanted) ?? Buffer.of(0))[0]);

const readDimension = (dimension: Buffer): number | string => {
  const size = contentOf(fields(dimension), DIMENSION.value);
  return size === undefined ? textOf(fields(dimension), DIMENSION.parameter) : Number(readIntegers(size)[0]);
};

const OTHERS = [
  [TYPE.sequence, 'sequence'],
  [TYPE.map, 'map'],
  [TYPE.optional, 'optional'],
  [TYPE.sparseTensor, 'sparse tensor'],
] as const;

/** Reads a `ValueInfoProto`. */
export const readValueInfo = (message: Buffer): DeclaredValue => {
  const name = textOf(fields(message), VALUE_INFO.name);
  const type = contentOf(fields(message), VALUE_INFO.type) ?? Buffer.of();
  const tensor = contentOf(fields(type), TYPE.tensor);
  if (tensor === undefined) {
    const other = OTHERS.find(([number]) => contentOf(fields(type), number) !== undefined);
    return { name, type: other?.[1] ?? 'of no type', shape: undefined };
  }
  const shape = contentOf(fields(tensor), TENSOR_TYPE.shape);
  return {
    name,
    type: dataTypeName(integerOf(fields(tensor), TENSOR_TYPE.elementType)),
    shape:
      shape &&
      [...fields(shape)].flatMap(({ number, value }) => (number === SHAPE.dimension ? [readDimension(value)] : [])),
  };
};

/** `"x" float32[N,3]`, for messages. */
export const formatDeclared = ({ name, type, shape }: DeclaredValue): string =>
  `${name} ${type}${shape === undefined ? '' : `[${shape.map((size) => (size === '' ? '?' : size)).join(',')}]`}`;
