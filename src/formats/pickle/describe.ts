import { shorten, show } from '../../core/show.ts';
import { isNumpyArray, PyClass, PyObject, PyTuple, type PyValue } from './values.ts';

/** A value as a message may repeat it. Parts are counted, not shown: a value may contain itself. */
export const describe = (value: PyValue | undefined): string => {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (isNumpyArray(value)) return `an array of ${value.type.kind}[${value.shape.slice(0, 8)}]`;
  if (value instanceof PyClass) return shorten(value.path);
  if (value instanceof PyObject) return `an object of ${shorten(value.type.path)}`;
  if (value instanceof PyTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  return value instanceof Set ? `a set of ${value.size}` : show(value);
};
