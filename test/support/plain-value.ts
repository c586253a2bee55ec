import { isReadable, itemsOf } from '../../src/formats/pickle/arrays.ts';
import { isNumpyArray, PyClass, PyObject, PyTuple, type PyValue } from '../../src/formats/pickle/values.ts';

/** numpy 2 renamed a module. */
const pathOf = ({ path }: PyClass): string => path.replace('numpy._core.', 'numpy.core.');

const compareKeys = ([left]: readonly unknown[], [right]: readonly unknown[]): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;

/** An object; random generators and types of numpy by their names, since formats and versions write them in different ways. */
const plainObject = ({ type, args, state }: PyObject): unknown => {
  const path = pathOf(type);
  if (path.startsWith('numpy.random.')) return 'random generator';
  if (path === 'numpy.dtype') return `dtype ${args[0]}`;
  const isEmpty = state === null || (state instanceof Map && state.size === 0);
  return { object: path, args: args.map(plainValue), ...(!isEmpty && { state: plainValue(state) }) };
};

/** A value of Python as values that print well and compare by their content, whatever file it comes from. Dicts are sorted. */
export const plainValue = (value: PyValue): unknown => {
  if (isNumpyArray(value)) {
    const { content, type, shape } = value;
    const bytes = content instanceof Uint8Array ? Buffer.from(content).toString('hex') : '';
    const fields =
      type.fields &&
      Object.fromEntries(
        [...type.fields].map(
          ([
            name,
            {
              type: { kind },
              offset,
            },
          ]) => [name, [kind, offset]],
        ),
      );
    return { array: type.kind, shape, fields, items: isReadable(type) ? itemsOf(value).map(plainValue) : bytes };
  }
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof PyTuple) return { tuple: value.items.map(plainValue) };
  if (value instanceof Set) return { set: [...value].map(plainValue) };
  if (value instanceof Map) return { dict: [...value].map((entry) => entry.map(plainValue)).sort(compareKeys) };
  if (value instanceof PyClass) return { class: pathOf(value) };
  return value instanceof PyObject ? plainObject(value) : value;
};
