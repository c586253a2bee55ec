import { show } from '../../core/show.ts';
import { COSTS } from '../pickle/budget.ts';
import { PyClass, PyObject, PyTuple, type PyValue, toInteger } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import { parseJson } from './json.ts';
import { type Loader, type Node, partOf } from './schema.ts';

/** Words that Python writes in JSON, and JavaScript does not read. */
const WORDS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

const isPlain = (value: unknown): value is null | boolean | number | string =>
  value === null || ['boolean', 'number', 'string'].includes(typeof value);

/** `None`, a truth value, a number or a text. */
const parseScalar = (content: unknown): PyValue => {
  if (typeof content !== 'string') return refuse('schema.json is damaged: a plain value is no text');
  if (/^-?\d{1,1000}$/.test(content)) return toInteger(BigInt(content));
  const value = WORDS.get(content) ?? parseJson(Buffer.from(content));
  return isPlain(value) ? value : refuse('schema.json is damaged: a list stands in the place of a plain value');
};

/** Keys of a dict by the type that they had: JSON has texts alone. */
const KEYS: ReadonlyMap<string, (text: string) => PyValue> = new Map<string, (text: string) => PyValue>([
  ['str', (text) => text],
  ['int', parseScalar],
  ['float', parseScalar],
  ['bool', (text) => text === 'true' || text === 'True'],
  ['NoneType', () => null],
]);

/** numpy gives its keys types of its own: `int64`, `str_`, `bool_`. */
const toKey = (type: PyValue | undefined, text: string): PyValue => {
  const name = type instanceof PyClass ? type.name : '';
  const read = KEYS.get(name) ?? KEYS.get(name.replace(/^u?(int|float|str|bool)\d*_?$/, '$1'));
  return read === undefined
    ? refuse(`a dict has keys of the type ${show(name)}, expected texts or numbers`)
    : read(text);
};

/** A dict. JSON sorts keys that are numbers, hence one that has keys of several types is refused. */
const loadDict: Loader = (node, schema) => {
  const content = Object.entries(partOf(node, 'content'));
  const types = schema.loadAll(partOf(node, 'key_types').content);
  const names = new Set(types.map((type) => (type instanceof PyClass ? type.path : '')));
  if (names.size > 1)
    return refuse('a dict has keys of several types, which JSON mixes up; save the model with joblib.dump');
  schema.budget.spend(COSTS.table + COSTS.entry * content.length);
  return new Map(content.map(([text, value]) => [toKey(types[0], text), schema.load(value)]));
};

const loadMain: Loader = (node, schema) => schema.load(partOf(node, 'content').main);

const plain = (value: unknown): PyValue => (typeof value === 'number' ? value : null);

const loadSlice: Loader = (node: Node) => {
  const { start, stop, step } = partOf(node, 'content');
  return new PyObject(new PyClass('builtins', 'slice'), [plain(start), plain(stop), plain(step)]);
};

/** Nodes of plain values and of containers. */
export const CONTAINERS: readonly (readonly [kind: string, Loader])[] = [
  ['JsonNode', ({ content }) => parseScalar(content)],
  ['DictNode', loadDict],
  ['DefaultDictNode', loadMain],
  ['_DictWithDeprecatedKeysNode', loadMain],
  ['ListNode', (node, schema) => schema.loadAll(node.content)],
  ['TupleNode', (node, schema) => new PyTuple(schema.loadAll(node.content))],
  ['SetNode', (node, schema) => new Set(schema.loadAll(node.content))],
  ['SliceNode', loadSlice],
  ['BytesNode', (node, schema) => schema.file(node, (content) => content)],
  ['BytearrayNode', (node, schema) => schema.file(node, (content) => content)],
];
