import { isObject } from '../../core/is-object.ts';
import { ByteReader } from '../pickle/byte-reader.ts';
import { parseTypeCode } from '../pickle/numpy-type.ts';
import { PickledArray } from '../pickle/pickled-array.ts';
import type { NumpyArray, NumpyType } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import { type Literal, parseLiteral } from './python-literal.ts';

const MAGIC = '\x93NUMPY';
/** Characters; numpy refuses longer headers as well. */
const LONGEST_HEADER = 10_000;

const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** A field is a list of its name (or title and name), its type, and its shape where it holds several elements. */
const parseField = (field: Literal): { readonly name: string; readonly type: NumpyType } => {
  const [label, description, shape] = Array.isArray(field) ? field : [];
  const name = Array.isArray(label) ? label[1] : label;
  if (typeof name !== 'string' || description === undefined) return refuse('the type of an array is damaged');
  const type = parseType(description);
  const count = Array.isArray(shape)
    ? shape.reduce((product, size) => (isSize(size) ? product * size : Number.NaN), 1)
    : 1;
  return { name, type: shape === undefined ? type : { kind: 'V', bytes: count * type.bytes, isBigEndian: false } };
};

/** The type that `descr` of a header describes: a code, or the fields of a record, one after the other. */
const parseType = (description: Literal | undefined): NumpyType => {
  if (typeof description === 'string') return parseTypeCode(description);
  if (!Array.isArray(description)) return refuse('the type of an array is neither a code nor a list of fields');
  const fields = new Map<string, { type: NumpyType; offset: number }>();
  let offset = 0;
  for (const { name, type } of description.map(parseField)) {
    if (name !== '') fields.set(name, { type, offset });
    offset += type.bytes;
  }
  return { kind: 'V', bytes: offset, isBigEndian: false, fields };
};

const readHeader = (reader: ByteReader): Literal => {
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC) refuse('it holds an array that is no file of numpy');
  const version = reader.uint16() % 256;
  const length = version === 1 ? reader.uint16() : reader.uint32();
  if (length > LONGEST_HEADER) refuse(`an array has a header of ${length} bytes, expected ${LONGEST_HEADER} at most`);
  return parseLiteral(reader.take(length).toString('utf8'));
};

/** The array of a `.npy` file. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html @throws `MODEL_INVALID` */
export const readNpy = (bytes: Uint8Array): NumpyArray => {
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  const shape = isObject(header) ? header.shape : undefined;
  if (!isObject(header) || !Array.isArray(shape) || !shape.every(isSize))
    return refuse('the header of an array has no shape');
  const type = parseType(header.descr);
  if (type.kind === 'O') return refuse('an array holds pickled objects, which skops does not write');
  return new PickledArray().fill({
    type,
    shape,
    isFortran: header.fortran_order === true,
    content: reader.take(reader.left),
  });
};
