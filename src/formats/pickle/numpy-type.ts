import { refuse } from '../refuse.ts';
import { type Budget, COSTS } from './budget.ts';
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

/** The fields of a record of `bytes` from the tuples (type, offset) by name. */
const toFields = (fields: ReadonlyMap<PyValue, PyValue>, bytes: number, budget: Budget, depth: number): Fields =>
  new Map(
    [...fields].map(([name, field]) => {
      const [dtype, offset] = field instanceof PyTuple ? field.items : [];
      const type = toNumpyType(dtype, budget, depth + 1);
      const isInside = typeof offset === 'number' && offset >= 0 && offset + type.bytes <= bytes;
      if (typeof name !== 'string' || !isInside) return refuse('the fields of a numpy type are damaged');
      return [name, { type, offset }];
    }),
  );

/**
 * The type that a `numpy.dtype` of a pickle describes: its code is the first argument; its state has byte order and fields.
 * https://github.com/numpy/numpy/blob/v2.3.0/numpy/_core/src/multiarray/descriptor.c (arraydescr_reduce)
 */
export const toNumpyType = (dtype: PyValue | undefined, budget: Budget, depth = 0): NumpyType => {
  budget.spend(COSTS.object);
  if (!(dtype instanceof PyObject) || dtype.type.path !== 'numpy.dtype' || typeof dtype.args[0] !== 'string')
    return refuse('an array has elements of a type that is no plain numpy.dtype');
  if (depth > DEEPEST) return refuse(`a numpy type has records within records, more than ${DEEPEST} deep`);
  const type = parseTypeCode(dtype.args[0]);
  if (!(dtype.state instanceof PyTuple)) return type;
  const [, order, , , fields] = dtype.state.items;
  return {
    ...type,
    isBigEndian: order === '>',
    ...(fields instanceof Map && { fields: toFields(fields, type.bytes, budget, depth) }),
  };
};
