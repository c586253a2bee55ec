import { dictNode, json, node, npyOf, skopsOf, type TestNode, typeNode } from '../skops-assembler.ts';
import { type ZipFile, zipOf } from '../zip-assembler.ts';
import type { HostileFile } from './case.ts';

const content = Buffer.from('content');
const schema = (text: string): ZipFile => ({ name: 'schema.json', content: Buffer.from(text) });
const system = (kind: string, more: TestNode = {}): TestNode => node(kind, undefined, more, 'os.system');
const command = node('TupleNode', [json('touch canary')]);

const array = (header: string, bytes: Uint8Array): Buffer =>
  skopsOf(node('NdArrayNode', undefined, { type: 'numpy', file: 'a' }), [{ name: 'a', content: npyOf(header, bytes) }]);

const header = (descr: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}}`;

/** Lists of one list twice, by its number: 2^depth elements when they are written out. */
const doubled = (depth: number): TestNode =>
  depth === 0 ? json(1) : node('ListNode', [{ ...doubled(depth - 1), __id__: depth }, { __id__: depth }]);

const zeros: ZipFile = { name: 'zeros', content: Buffer.alloc(1e7), isDeflated: true };

const FILES: Readonly<Record<string, () => Uint8Array>> = {
  'a function of os': () => skopsOf(system('FunctionNode')),
  'a type of os': () => skopsOf(system('TypeNode')),
  'an object of os': () => skopsOf(system('ObjectNode', { content: dictNode({ a: json('touch canary') }) })),
  'a constructor of os': () => skopsOf(system('ConstructorFromReduceNode', { content: command })),
  'a tree of os': () => skopsOf(system('TreeNode', { __reduce__: { args: command }, content: dictNode({}) })),
  'a loss of os': () => skopsOf(system('LossNode', { __reduce__: { args: command }, content: dictNode({}) })),
  'a method of os': () => skopsOf(node('MethodNode', { func: 'system', obj: typeNode('os.path') }, {}, 'os.path')),
  'a partial of eval': () =>
    skopsOf(
      node('PartialNode', {
        func: typeNode('builtins.eval'),
        args: command,
        kwds: dictNode({}),
        namespace: json(null),
      }),
    ),
  'an operator that is a call': () =>
    skopsOf(node('OperatorFuncNode', undefined, { attrs: command }, 'operator.methodcaller')),
  'a generator of os': () =>
    skopsOf(node('RandomGeneratorNode', { bit_generator: { bit_generator: 'system' } }, {}, 'os.system')),
  'a kind of prototypes': () => skopsOf(node('__proto__')),
  'a kind that is a constructor': () => skopsOf(node('constructor')),
  'a kind that is no text': () => skopsOf({ ...json(1), __loader__: { toString: 1 } }),
  'a dict of prototypes': () =>
    zipOf([
      schema(
        '{"__proto__": {"polluted": 1}, "__loader__": "DictNode", "protocol": 2, "content": {"__proto__": {"a": 1}}}',
      ),
    ]),
  'a node in itself': () => skopsOf(node('ListNode', [node('ListNode', [], { __id__: 1 })], { __id__: 1 })),
  'two nodes in each other': () =>
    skopsOf(node('ListNode', [node('ListNode', [node('ListNode', [], { __id__: 1 })], { __id__: 2 })], { __id__: 1 })),
  'a number of a node that is a text': () => skopsOf(json(1), [], 'two'),
  'lists doubled by their number': () => skopsOf(doubled(50)),
  'an array of doubled lists': () =>
    skopsOf(
      node('NdArrayNode', [doubled(40)], {
        type: 'json',
        shape: node(
          'TupleNode',
          Array.from({ length: 30 }, () => json(2)),
        ),
      }),
    ),
  'nodes within nodes': () =>
    zipOf([schema(`${'{"__loader__":"ListNode","content":['.repeat(1e5)}${']}'.repeat(1e5)}`)]),
  'brackets within brackets': () => zipOf([schema('['.repeat(5e6))]),
  'a plain value of brackets': () => skopsOf(node('JsonNode', '['.repeat(1e6))),
  'a plain value of 10 million digits': () => skopsOf(node('JsonNode', '9'.repeat(1e7))),
  'a plain value that is a list': () => skopsOf(node('JsonNode', '[1]')),
  'a million nodes': () => skopsOf(node('ListNode', Array<unknown>(1e5).fill(node('ListNode', [])))),
  'a dict without types of keys': () => skopsOf(node('DictNode', { a: json(1) })),
  'a dict with keys of os': () => skopsOf(dictNode({ a: json(1) }, 'os.system')),
  'an array of a million dimensions': () =>
    skopsOf(node('NdArrayNode', [], { type: 'json', shape: node('TupleNode', Array<unknown>(1e5).fill(json(1))) })),
  'an array of 2^40': () => array(header("'<f8'", '(1099511627776,)'), Buffer.alloc(8)),
  'an array of pickled objects': () => array(header("'|O'", '(1,)'), Buffer.from('cos\nsystem\n.')),
  'an array whose header is code': () => array("__import__('os').system('touch canary')", content),
  'an array whose header is long': () => array(`${' '.repeat(60_000)}{}`, content),
  'an array whose header nests': () => array('('.repeat(9000), content),
  'an array of records in records': () =>
    array(header(`${"[('a', ".repeat(1000)}'<f8'${')]'.repeat(1000)}`, '(1,)'), content),
  'an array of prototypes': () => array("{'__proto__': {'descr': '<f8'}, 'shape': (1,)}", content),
  'a file outside of the archive': () => skopsOf(node('BytesNode', undefined, { file: '../../../../etc/passwd' })),
  'a file of the disk': () => skopsOf(node('BytesNode', undefined, { file: '/etc/passwd' })),
  'a bomb by its directory': () => skopsOf(json(1), [{ name: 'a', content, bytes: 2 ** 31 }]),
  'a bomb of many files': () =>
    skopsOf(
      json(1),
      Array.from({ length: 100 }, (_, index) => ({
        ...zeros,
        name: `zeros ${index}`,
        content: Buffer.alloc(1e6),
        bytes: 1e7,
      })),
    ),
  'a bomb that hides its size': () =>
    skopsOf(node('BytesNode', undefined, { file: 'zeros' }), [{ ...zeros, bytes: 10 }]),
  'a bomb of an archive in the archive': () =>
    skopsOf(node('SparseMatrixNode', undefined, { file: 'a' }), [
      { name: 'a', content: zipOf([{ ...zeros, bytes: 2 ** 31 }]) },
    ]),
  'a schema that is a bomb': () => zipOf([{ ...zeros, name: 'schema.json', content: Buffer.alloc(3e7, ' ') }]),
  'sizes of zip64': () => skopsOf(json(1), [{ name: 'a', content, bytes: 2 ** 32 - 1 }]),
  'a name above the archive': () => skopsOf(json(1), [{ name: '../canary', content }]),
  'a name of the root': () => skopsOf(json(1), [{ name: '/tmp/canary', content }]),
  'a name of Windows': () => skopsOf(json(1), [{ name: 'C:\\canary', content }]),
  'a name with a zero': () => skopsOf(json(1), [{ name: 'a\0b', content }]),
  'a name twice': () =>
    skopsOf(json(1), [
      { name: 'a', content },
      { name: 'a', content },
    ]),
  'two schemas': () => skopsOf(json(1), [schema('{}')]),
  'an encrypted file': () => skopsOf(node('BytesNode', undefined, { file: 'a' }), [{ name: 'a', content, flags: 1 }]),
  'a directory outside of the archive': () => zipOf([schema('{}')], { 19: 0xff }),
  'a directory in itself': () => zipOf([schema('{}')], { 16: 0 }),
  'more entries than there are': () => zipOf([schema('{}')], { 10: 0xff }),
  'no entries': () => zipOf([]),
};

/** Files of skops that want to run something, or want memory or time. */
export const ARCHIVES: readonly HostileFile[] = Object.entries(FILES).map(([name, make]) => ({
  name,
  format: 'skops',
  make,
}));
