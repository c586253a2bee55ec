import type { ByteSource } from '../core/byte-source.ts';
import { toField } from './chunks.ts';
import { createFieldReader, WIRE_LENGTH_DELIMITED } from './field-reader.ts';
import { ATTRIBUTE } from './schema.ts';
import { CHILDREN, type Child } from './tensor-parents.ts';
import { ELEMENT_FIELDS } from './tensor-proto.ts';

/** A content of at most so many bytes stays as it is: shapes, axes and other constants that tell something of the graph. */
const SMALL_BYTES = 4096;

/** A message of more bytes loses its elements also where each is a field of its own: trees have some million of them in an attribute. */
const LONG_BYTES = 1024 * 1024;

/** Names of classes of up to so many bytes stay: they are settings of the model. */
const MOST_CLASS_BYTES = 64 * LONG_BYTES;
const CLASS_NAMES = Buffer.from('classlabels_');

/** The fields with elements, by message. */
const ELEMENTS: Partial<Record<Child, readonly number[]>> = {
  Tensor: ELEMENT_FIELDS,
  Attribute: [ATTRIBUTE.floats, ATTRIBUTE.integers, ATTRIBUTE.strings],
};

/**
 * The bytes of an ONNX file without the elements of its large tensors and long lists, which it does not read: a file of some gigabytes becomes some
 * kilobytes. Types and shapes of the tensors stay, the names of classes, and everything else.
 * @throws `RangeError` when a message is damaged
 */
export const readWithoutWeights = (source: ByteSource): Buffer => {
  const reader = createFieldReader(source);
  const namesClasses = (from: number, end: number): boolean => {
    for (let offset = from; offset < end; ) {
      const field = reader.field(offset, end);
      offset = field.to;
      if (field.number === ATTRIBUTE.name)
        return source.read(field.from, Math.min(CLASS_NAMES.byteLength, field.to - field.from)).equals(CLASS_NAMES);
    }
    return false;
  };
  const copy = (message: Child, from: number, end: number): Uint8Array[] => {
    const children: Readonly<Record<number, Child>> = message === 'Tensor' ? {} : CHILDREN[message];
    const elements = ELEMENTS[message] ?? [];
    const size = end - from;
    const isOfClasses =
      message === 'Attribute' && size > LONG_BYTES && size <= MOST_CLASS_BYTES && namesClasses(from, end);
    const isLong = size > LONG_BYTES && !isOfClasses;
    const pieces: Uint8Array[] = [];
    let missing = from; // the first byte that is not among the pieces
    const copyUpTo = (offset: number): void => {
      if (offset > missing) pieces.push(source.read(missing, offset - missing));
      missing = offset;
    };
    for (let offset = from; offset < end; ) {
      const field = reader.field(offset, end);
      offset = field.to;
      const isLarge = field.wire === WIRE_LENGTH_DELIMITED && field.to - field.from > SMALL_BYTES;
      const child = isLarge ? children[field.number] : undefined;
      const isLeftOut = (isLong || (isLarge && message === 'Tensor')) && elements.includes(field.number);
      if (child === undefined && !isLeftOut) continue;
      copyUpTo(field.start);
      if (child) for (const piece of toField(field.number, copy(child, field.from, field.to))) pieces.push(piece);
      missing = field.to;
    }
    copyUpTo(end);
    return pieces;
  };
  return Buffer.concat(copy('Model', 0, source.sizeBytes));
};
