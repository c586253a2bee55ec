import { type Budget, COSTS } from './budget.ts';
import { refuse } from './refuse.ts';
import { type NumpyType, PyObject, PyTuple, type PyValue } from './values.ts';

type Fields = NonNullable<NumpyType['fields']>;

/** A record within a record is as deep as libraries go; a type that contains itself goes on for ever. */
const DEEPEST = 4;
/** Bytes of an element by kind, where they are not the number behind the kind. */
const ELEMENT_BYTES: Readonly<Record<string, (count: number) => number>> = {
  O: () => 8,
  U: (characters) => 4 * characters,
};

/** The type of a code such as `<f8`, `|b1`, `U12`. @throws `MODEL_INVALID` for a code of another form */
export const parseTypeCode = (code: string): NumpyType => {
  const [, order, kind = '', digits = ''] = /^([<>|=]?)([fiubcOUSVMm])(\d{0,9})$/.exec(code) ?? [];
  if (kind === '') return refuse(`an array has elements of the type "${code.slice(0, 40)}", which cannot be read`);
  const bytes = ELEMENT_BYTES[kind]?.(Number(digits)) ?? Number(digits);
  return { kind: kind === 'O' || kind === 'V' ? kind : `${kind}${digits}`, bytes, isBigEndian: order === '>' };
};

/** The fields of a record from the tuples (type, offset) by name. */
const toFields = (fields: ReadonlyMap<PyValue, PyValue>, budget: Budget, depth: number): Fields =>
  new Map(
    [...fields].map(([name, field]) => {
      const [type, offset] = field instanceof PyTuple ? field.items : [];
      if (typeof name !== 'string' || type === undefined || typeof offset !== 'number')
        return refuse('the fields of a numpy type are damaged');
      return [name, { type: toNumpyType(type, budget, depth + 1), offset }];
    }),
  );

/**
 * The type that a `numpy.dtype` of a pickle describes: its code is the first argument; its state has byte order, fields and size.
 * https://github.com/numpy/numpy/blob/v2.3.0/numpy/_core/src/multiarray/descriptor.c (arraydescr_reduce)
 */
export const toNumpyType = (dtype: PyValue | undefined, budget: Budget, depth = 0): NumpyType => {
  budget.spend(COSTS.object);
  if (!(dtype instanceof PyObject) || dtype.type.path !== 'numpy.dtype' || typeof dtype.args[0] !== 'string')
    return refuse('an array has elements of a type that is no plain numpy.dtype');
  if (depth > DEEPEST) return refuse(`a numpy type has records within records, more than ${DEEPEST} deep`);
  const type = parseTypeCode(dtype.args[0]);
  if (!(dtype.state instanceof PyTuple)) return type;
  const [, order, subarray, , fields, size] = dtype.state.items;
  return {
    kind: subarray === null || subarray === undefined ? type.kind : 'V',
    bytes: typeof size === 'number' && size >= 0 ? size : type.bytes,
    isBigEndian: order === '>',
    ...(fields instanceof Map && { fields: toFields(fields, budget, depth) }),
  };
};
