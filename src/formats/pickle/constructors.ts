import { itemsOf } from './arrays.ts';
import { type Budget, COSTS } from './budget.ts';
import { JoblibArray } from './joblib-array.ts';
import { toNumpyType } from './numpy-type.ts';
import { PickledArray, toShape } from './pickled-array.ts';
import { refuse } from './refuse.ts';
import { PyClass, PyObject, PyTuple, type PyValue } from './values.ts';

/** Makes data of the arguments of a constructor; undefined for arguments of another form, which leave an inert object. */
type Construct = (args: readonly PyValue[], budget: Budget) => PyValue | undefined;

const toDict: Construct = ([pairs], budget) => {
  budget.spend(COSTS.table);
  if (pairs === undefined) return new Map();
  if (!Array.isArray(pairs) && !(pairs instanceof Map)) return undefined;
  const dict = new Map<PyValue, PyValue>();
  for (const pair of pairs) {
    budget.spend(COSTS.entry);
    const [key, value] = pair instanceof PyTuple ? pair.items : Array.isArray(pair) ? pair : [];
    if (key === undefined || value === undefined) return undefined;
    dict.set(key, value);
  }
  return dict;
};

const toSet: Construct = ([items = []], budget) => {
  if (!Array.isArray(items)) return undefined;
  budget.spend(COSTS.table + COSTS.entry * items.length);
  return new Set(items);
};

/** `bytes()`, `bytearray(b'…')` or `bytearray('…', 'latin-1')`. */
const toBytes: Construct = ([content, encoding], budget) => {
  if (content === undefined) return new Uint8Array();
  if (typeof content === 'string' && encoding !== undefined) return encode([content, encoding], budget);
  return content instanceof Uint8Array ? content : undefined;
};

/** `_codecs.encode('…', 'latin1')`: bytes as protocol 2 and older have them. */
const encode: Construct = ([text, encoding], budget) => {
  if (typeof text !== 'string' || typeof encoding !== 'string' || !/^latin-?1$/i.test(encoding)) return undefined;
  budget.spend(text.length);
  return Buffer.from(text, 'latin1');
};

/** `scalar(dtype, bytes)`: a number, a truth value or a text of numpy. */
const toScalar: Construct = ([dtype, content], budget) => {
  if (content === undefined) return undefined;
  const type = toNumpyType(dtype, budget);
  if (type.kind === 'O') return content;
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  if (!(bytes instanceof Uint8Array)) return undefined;
  budget.spend(COSTS.object + bytes.length);
  return itemsOf(new PickledArray().fill({ type, shape: [], isFortran: false, content: bytes }))[0];
};

/** `_frombuffer(bytes, dtype, shape, order)`, of protocol 5. */
const fromBuffer: Construct = ([content, dtype, shape, order], budget) => {
  if (!(content instanceof Uint8Array)) return undefined;
  if (order === 'K')
    return refuse('an array lies in an order that is neither that of C nor of Fortran; save it with protocol 4');
  budget.spend(COSTS.object);
  return new PickledArray().fill({
    type: toNumpyType(dtype, budget),
    shape: toShape(shape),
    isFortran: order === 'F',
    content,
  });
};

const newArray: Construct = (_args, budget) => {
  budget.spend(COSTS.table);
  return new PickledArray();
};

const newJoblibArray: Construct = (_args, budget) => {
  budget.spend(COSTS.table);
  return new JoblibArray();
};

/** An instance of the class that is the first argument, as `copyreg` makes it. */
const reconstruct: Construct = ([type, _base, state], budget) =>
  type instanceof PyClass ? construct(type, state === undefined || state === null ? [] : [state], budget) : undefined;

const newObject: Construct = ([type, ...args], budget) =>
  type instanceof PyClass ? construct(type, args, budget) : undefined;

/** Everything that a pickle may construct. All of it is plain data; any other class or function stays a name. */
const CONSTRUCTORS: ReadonlyMap<string, Construct> = new Map([
  ['builtins.dict', toDict],
  ['collections.OrderedDict', toDict],
  ['collections.Counter', toDict],
  ['collections.defaultdict', (_args, budget) => toDict([], budget)],
  ['sklearn.utils.Bunch', toDict],
  ['sklearn.utils._bunch.Bunch', toDict],
  ['builtins.set', toSet],
  ['builtins.frozenset', toSet],
  ['builtins.bytes', toBytes],
  ['builtins.bytearray', toBytes],
  ['_codecs.encode', encode],
  ['copyreg._reconstructor', reconstruct],
  ['copyreg.__newobj__', newObject],
  ['numpy.ndarray', newArray],
  ['numpy.core.multiarray._reconstruct', newArray],
  ['numpy.core.multiarray.scalar', toScalar],
  ['numpy.core.numeric._frombuffer', fromBuffer],
  ['joblib.numpy_pickle.NumpyArrayWrapper', newJoblibArray],
  ['sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper', newJoblibArray],
]);

/** The names of modules in Python 3 and numpy 1 of those that Python 2 and numpy 2 have. */
const MODULES: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
  ['numpy._core.multiarray', 'numpy.core.multiarray'],
  ['numpy._core.numeric', 'numpy.core.numeric'],
]);

/** Calls a class or a function of a pickle: a constructor of data makes data, any other an inert object with its arguments. */
export const construct = (type: PyClass, args: readonly PyValue[], budget: Budget): PyValue => {
  const data = CONSTRUCTORS.get(`${MODULES.get(type.module) ?? type.module}.${type.name}`)?.(args, budget);
  if (data !== undefined) return data;
  budget.spend(COSTS.object);
  return new PyObject(type, args);
};
