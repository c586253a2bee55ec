import { COSTS } from '../pickle/budget.ts';
import { PyClass, PyObject, PyTuple, type PyValue } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import { type Loader, type Node, partOf } from './schema.ts';

/** Words that Python writes in JSON, and JavaScript does not read. */
const WORDS: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity };

/** `None`, a truth value, a number or a text. */
const parseScalar = (content: unknown): PyValue => {
  if (typeof content !== 'string') return refuse('schema.json is damaged: a value is no text of JSON');
  if (/^-?\d{16,1000}$/.test(content)) return BigInt(content);
  const word = WORDS[content];
  if (word !== undefined) return word;
  try {
    const value: unknown = JSON.parse(content);
    if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
      return value;
  } catch {
    // refused below, as a list is
  }
  return refuse(`schema.json is damaged: ${JSON.stringify(content.slice(0, 40))} is no plain value`);
};

/** Keys of a dict by the type that they had: JSON has texts alone. */
const KEYS: Readonly<Record<string, (text: string) => PyValue>> = {
  str: (text) => text,
  int: parseScalar,
  float: parseScalar,
  bool: (text) => text === 'true' || text === 'True',
  NoneType: () => null,
};

/** The names of types that numpy gives its own keys: `int64`, `str_`, `bool_`. */
const toKey = (type: PyValue | undefined, text: string): PyValue => {
  const name = type instanceof PyClass ? type.name : '';
  const read = KEYS[name] ?? KEYS[name.replace(/^u?(int|float|str|bool)\d*_?$/, '$1')];
  return read === undefined
    ? refuse(`a dict has keys of the type ${name || 'unknown'}, expected texts or numbers`)
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
