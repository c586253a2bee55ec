import { isReadable, itemsOf } from '../pickle/arrays.ts';
import { type Budget, COSTS } from '../pickle/budget.ts';
import { PickledArray, toShape } from '../pickle/pickled-array.ts';
import { isNumpyArray, type PyClass, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import { readZip } from '../zip.ts';
import { readNpy } from './npy.ts';
import { type Loader, partOf, typeOf } from './schema.ts';

/** The elements of lists within lists, as deep as the array has dimensions. */
const flatten = (items: readonly PyValue[], dimensions: number, budget: Budget): readonly PyValue[] => {
  budget.spend(COSTS.slot * items.length);
  if (dimensions <= 1) return items;
  const rows = items.map((item) => (Array.isArray(item) ? item : refuse('an array of objects is damaged')));
  budget.spend(COSTS.slot * rows.reduce((sum, row) => sum + row.length, 0));
  return flatten(rows.flat(), dimensions - 1, budget);
};

/** An array of objects, whose elements are nodes. */
const loadObjectArray: Loader = (node, schema) => {
  const shape = toShape(schema.load(node.shape));
  if (shape.length > 32) return refuse('an array has more than 32 dimensions');
  const content = flatten(schema.loadAll(node.content), shape.length, schema.budget);
  return new PickledArray().fill({
    type: { kind: 'O', bytes: 8, isBigEndian: false },
    shape,
    isFortran: false,
    content,
  });
};

/** An array, or a number or text of numpy, which is an array without dimensions. */
const loadArray: Loader = (node, schema) => {
  if (node.type === 'json') return loadObjectArray(node, schema);
  const array = schema.file(node, readNpy);
  if (!isNumpyArray(array) || array.shape.length > 0 || node.__class__ === 'ndarray') return array;
  return isReadable(array.type) ? (itemsOf(array)[0] ?? array) : array;
};

/** A type, whose array has no elements. */
const loadType: Loader = (node, schema) => {
  const array = schema.load(node.content);
  return new PyObject(typeOf(node), isNumpyArray(array) ? [array.type.kind] : []);
};

const loadMasked: Loader = (node, schema) => {
  const { data, mask } = partOf(node, 'content');
  const object = new PyObject(typeOf(node));
  object.state = new Map([
    ['data', schema.load(data)],
    ['mask', schema.load(mask)],
  ]);
  return object;
};

/** A matrix of `scipy.sparse.save_npz`: an archive of arrays. Its state has their names, and `_shape` as pickles have it. */
const readSparse =
  (type: PyClass) =>
  (content: Buffer): PyValue => {
    const arrays = [...readZip(content)].map(([name, read]): [string, PyValue] => [
      name.replace(/[.]npy$/, ''),
      readNpy(read()),
    ]);
    const object = new PyObject(type);
    object.state = new Map<PyValue, PyValue>(arrays);
    const shape = object.state.get('shape');
    if (isNumpyArray(shape)) object.state.set('_shape', new PyTuple(itemsOf(shape)));
    return object;
  };

/** Nodes of numpy and scipy. */
export const ARRAYS: readonly (readonly [kind: string, Loader])[] = [
  ['NdArrayNode', loadArray],
  ['DTypeNode', loadType],
  ['MaskedArrayNode', loadMasked],
  ['SparseMatrixNode', (node, schema) => schema.file(node, readSparse(typeOf(node)))],
];
