import { isObject } from '../../core/is-object.ts';
import { mergeState } from '../pickle/object-state.ts';
import { PyClass, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { type Loader, type Node, partOf, type Schema, typeOf } from './schema.ts';

const toArgs = (value: PyValue): readonly PyValue[] => (value instanceof PyTuple ? value.items : []);

const withState = (object: PyValue, content: unknown, schema: Schema): PyValue => {
  if (object instanceof PyObject && isObject(content)) object.state = mergeState(schema.load(content), schema.budget);
  return object;
};

const loadObject: Loader = (node, schema) => withState(schema.construct(typeOf(node)), node.content, schema);

/** An object that its constructor made with arguments, as a decision tree. */
const loadReduced: Loader = (node, schema) => {
  const args = toArgs(schema.load(partOf(node, '__reduce__').args));
  return withState(schema.construct(typeOf(node), args), node.content, schema);
};

const loadConstructed: Loader = (node, schema) => schema.construct(typeOf(node), toArgs(schema.load(node.content)));

/** skops 0.6 and older kept the name of a function in the content. */
const loadFunction: Loader = (node) => {
  const { module_path: module, function: name } = isObject(node.content) ? node.content : {};
  return typeof module === 'string' && typeof name === 'string' ? new PyClass(module, name) : typeOf(node);
};

/** A method of an object, as pickles have it: `getattr(object, name)`. */
const loadMethod: Loader = (node, schema) => {
  const { obj, func } = partOf(node, 'content');
  return new PyObject(new PyClass('builtins', 'getattr'), [schema.load(obj), String(func)]);
};

/** A `functools.partial`, as pickles have it: its state is (function, arguments, keywords, `__dict__`). */
const loadPartial: Loader = (node, schema) => {
  const { func, args, kwds, namespace } = partOf(node, 'content');
  const items = schema.loadAll([func, args, kwds, namespace]);
  const partial = new PyObject(typeOf(node), items.slice(0, 1));
  partial.state = new PyTuple(items);
  return partial;
};

/** Random generators and what else no model needs to predict. */
const loadWithoutState = (node: Node): PyValue => new PyObject(typeOf(node));

/** Nodes of objects, classes and functions. Classes and functions stay names. */
export const OBJECTS: readonly (readonly [kind: string, Loader])[] = [
  ['ObjectNode', loadObject],
  ['TreeNode', loadReduced],
  ['LossNode', loadReduced],
  ['QuantileForestNode', loadReduced],
  ['ConstructorFromReduceNode', loadConstructed],
  ['FunctionNode', loadFunction],
  ['TypeNode', typeOf],
  ['MethodNode', loadMethod],
  ['PartialNode', loadPartial],
  ['OperatorFuncNode', (node, schema) => new PyObject(typeOf(node), toArgs(schema.load(node.attrs)))],
  ['RandomStateNode', loadWithoutState],
  ['RandomGeneratorNode', loadWithoutState],
];
