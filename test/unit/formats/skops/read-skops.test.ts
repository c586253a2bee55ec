import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fieldOf, itemsOf } from '../../../../src/formats/pickle/arrays.ts';
import { readPickle } from '../../../../src/formats/pickle/read-pickle.ts';
import { isNumpyArray, PyClass, PyObject, PyTuple, type PyValue } from '../../../../src/formats/pickle/values.ts';
import { readSkops } from '../../../../src/formats/skops/read-skops.ts';
import { plainValue } from '../../../support/plain-value.ts';
import { dictNode, json, node, npyOf, skopsOf, type TestNode, typeNode } from '../../../support/skops-assembler.ts';
import { type ZipFile, zipOf } from '../../../support/zip-assembler.ts';

const FOLDER = 'test/fixtures/formats/pickle';

const load = (root: TestNode, files: readonly ZipFile[] = []): PyValue => readSkops(skopsOf(root, files));

describe('files of skops', () => {
  it.each([
    ['1.7.2', 'model'],
    ['1.7.2', 'vectorizer'],
    ['1.9.1', 'model'],
    ['1.9.1', 'vectorizer'],
  ])('scikit-learn %s: the %s is what its pickle is', (version, name) => {
    const skops = readFileSync(`${FOLDER}/scikit-learn-${version}/${name}.skops`);
    const pickle = readFileSync(
      `${FOLDER}/scikit-learn-${version}/${name === 'model' ? 'model.pkl' : 'vectorizer.p5.pkl'}`,
    );
    expect(plainValue(readSkops(skops))).toEqual(plainValue(readPickle(pickle)));
  });
});

const partial = new PyObject(new PyClass('functools', 'partial'), [new PyClass('numpy', 'full')]);
partial.state = new PyTuple([new PyClass('numpy', 'full'), new PyTuple([]), new Map([['a', 1]]), null]);

describe('nodes of skops', () => {
  it.each<[string, TestNode, PyValue]>([
    ['plain values', node('ListNode', [null, true, 1.5, 'é'].map(json)), [null, true, 1.5, 'é']],
    [
      'numbers that JSON lacks',
      node(
        'ListNode',
        ['NaN', '-Infinity'].map((word) => node('JsonNode', word)),
      ),
      [Number.NaN, -Infinity],
    ],
    ['an integer beyond 2^53', node('JsonNode', '-18446744073709551616'), -(2n ** 64n)],
    [
      'a dict with keys of prototypes',
      dictNode({ constructor: json(1), ['__proto__']: json(2) }),
      new Map([
        ['constructor', 1],
        ['__proto__', 2],
      ]),
    ],
    [
      'a dict of integers',
      dictNode({ 2: json('b'), 1: json('a') }, 'numpy.int64'),
      new Map([
        [1, 'a'],
        [2, 'b'],
      ]),
    ],
    [
      'a dict of truth values',
      dictNode({ true: json(1), false: json(0) }, 'builtins.bool'),
      new Map([
        [true, 1],
        [false, 0],
      ]),
    ],
    ['a defaultdict', node('DefaultDictNode', { main: dictNode({ a: json(1) }) }), new Map([['a', 1]])],
    ['tuples and sets', node('TupleNode', [node('SetNode', [json(1)])]), new PyTuple([new Set([1])])],
    [
      'a frozenset',
      node('ConstructorFromReduceNode', node('TupleNode', [node('ListNode', [json(1)])]), {}, 'builtins.frozenset'),
      new Set([1]),
    ],
    [
      'a slice',
      node('SliceNode', { start: 1, stop: null, step: 2 }),
      new PyObject(new PyClass('builtins', 'slice'), [1, null, 2]),
    ],
    ['a function', node('FunctionNode', undefined, {}, 'os.system'), new PyClass('os', 'system')],
    [
      'a function of skops 0.6',
      node('FunctionNode', { module_path: 'scipy.special', function: 'expit' }),
      new PyClass('scipy.special', 'expit'),
    ],
    [
      'a method',
      node('MethodNode', { func: 'run', obj: node('ObjectNode', undefined, {}, 'm.Thing') }),
      new PyObject(new PyClass('builtins', 'getattr'), [new PyObject(new PyClass('m', 'Thing')), 'run']),
    ],
    [
      'a partial',
      node(
        'PartialNode',
        {
          func: typeNode('numpy.full'),
          args: node('TupleNode', []),
          kwds: dictNode({ a: json(1) }),
          namespace: json(null),
        },
        {},
        'functools.partial',
      ),
      partial,
    ],
    [
      'an operator',
      node('OperatorFuncNode', undefined, { attrs: node('TupleNode', [json('system')]) }, 'operator.attrgetter'),
      new PyObject(new PyClass('operator', 'attrgetter'), ['system']),
    ],
    [
      'a random generator',
      node('RandomGeneratorNode', { bit_generator: {} }, {}, 'numpy.random.Generator'),
      new PyObject(new PyClass('numpy.random', 'Generator')),
    ],
    [
      'a loss',
      node('LossNode', dictNode({}), { __reduce__: { args: node('TupleNode', [json(0.5)]) } }, 'sklearn._loss.Loss'),
      Object.assign(new PyObject(new PyClass('sklearn._loss', 'Loss'), [0.5]), { state: new Map() }),
    ],
  ])('%s', (_what, root, value) => {
    expect(load(root)).toEqual(value);
  });

  it('bytes lie in a file', () => {
    const files = [{ name: 'a.bin', content: Buffer.from('abc') }];
    expect(load(node('BytesNode', undefined, { file: 'a.bin' }), files)).toEqual(Buffer.from('abc'));
  });

  it('a node that occurs again is the same value', () => {
    const list = load(node('ListNode', [node('ListNode', [], { __id__: 1 }), node('ListNode', [], { __id__: 1 })]));
    expect(Array.isArray(list) && list[0] === list[1]).toBe(true);
  });
});

const array = (header: string, content: Buffer = Buffer.alloc(0), path = 'numpy.ndarray'): PyValue =>
  load(node('NdArrayNode', undefined, { type: 'numpy', file: '1.npy' }, path), [
    { name: '1.npy', content: npyOf(header, content) },
  ]);

const itemsIn = (value: PyValue) => (isNumpyArray(value) ? itemsOf(value) : undefined);

describe('arrays of skops', () => {
  it.each<[string, string, Buffer, readonly PyValue[]]>([
    [
      'numbers',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }  \n",
      Buffer.from(Float32Array.of(1.5, -2).buffer),
      [1.5, -2],
    ],
    ['big-endian numbers', "{'descr': '>i2', 'fortran_order': False, 'shape': (1, 1)}", Buffer.of(1, 2), [258]],
    [
      'the order of Fortran',
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2)}",
      Buffer.of(1, 2, 3, 4),
      [1, 3, 2, 4],
    ],
    [
      'texts',
      "{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}",
      Buffer.from('e\0\0\0\0\0\0\0', 'latin1'),
      ['e'],
    ],
    ['no elements', "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3)}", Buffer.alloc(0), []],
  ])('%s', (_what, header, content, items) => {
    expect(itemsIn(array(header, content))).toEqual(items);
  });

  it('records have fields', () => {
    const records = array(
      "{'descr': [('a', '<i2'), ('b', '|u1', (2,)), ('c', '|u1')], 'fortran_order': False, 'shape': (1,)}",
      Buffer.of(1, 0, 9, 9, 7),
    );
    expect(isNumpyArray(records) && ['a', 'c'].map((name) => fieldOf(records, name)?.[0])).toEqual([1, 7]);
  });

  it('a number of numpy is a number', () => {
    expect(
      array(
        "{'descr': '<f8', 'fortran_order': False, 'shape': ()}",
        Buffer.from(Float64Array.of(2.5).buffer),
        'numpy.float64',
      ),
    ).toBe(2.5);
  });

  it('objects are nodes, in lists for each dimension', () => {
    const rows = [
      [json('a'), json(1)],
      [json(null), json(true)],
    ].map((row) => node('ListNode', row));
    const shape = node('TupleNode', [json(2), json(2)]);
    expect(itemsIn(load(node('NdArrayNode', rows, { type: 'json', shape })))).toEqual(['a', 1, null, true]);
  });

  it('a sparse matrix has its arrays and its shape', () => {
    const shape = npyOf("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", Buffer.of(3, 4));
    const files = [{ name: '1.npz', content: zipOf([{ name: 'shape.npy', content: shape, isDeflated: true }]) }];
    const matrix = load(
      node('SparseMatrixNode', undefined, { file: '1.npz', type: 'scipy' }, 'scipy.sparse._csr.csr_matrix'),
      files,
    );
    expect(matrix instanceof PyObject && matrix.state instanceof Map && matrix.state.get('_shape')).toEqual(
      new PyTuple([3, 4]),
    );
  });
});

const header = (shape: string, descr = "'<f8'") => `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}}`;
const nested = (depth: number): TestNode => (depth === 0 ? json(1) : node('ListNode', [nested(depth - 1)]));

describe('a file of skops that is refused', () => {
  it.each<[string, () => unknown, string]>([
    ['another archive', () => readSkops(zipOf([])), 'a zip archive without schema.json'],
    [
      'a later protocol',
      () => readSkops(skopsOf(json(1), [], 3)),
      'the skops protocol 3 (skops "0.16.0"), expected 0 to 2',
    ],
    [
      'a schema that is no JSON',
      () => readSkops(zipOf([{ name: 'schema.json', content: Buffer.from('{') }])),
      'schema.json is no JSON',
    ],
    [
      'an unknown kind',
      () => load(node('NewNode', 1, {}, 'm.Thing')),
      'it has a "NewNode" of m.Thing, which this reader does not know',
    ],
    ['a node that is none', () => load(node('ListNode', [1])), 'it has no node where one is expected'],
    [
      'a node inside of itself',
      () => load(node('ListNode', [node('ListNode', [], { __id__: 1 })], { __id__: 1 })),
      'a node contains itself',
    ],
    ['nodes within nodes', () => load(nested(400)), 'more than 300 deep'],
    [
      'keys of several types',
      () =>
        load(
          node(
            'DictNode',
            { a: json(1), 1: json(1) },
            { key_types: node('ListNode', [typeNode('builtins.str'), typeNode('builtins.int')]) },
          ),
        ),
      'keys of several types',
    ],
    [
      'a file that is not there',
      () => load(node('BytesNode', undefined, { file: '../etc/passwd' })),
      'the archive has no file "../etc/passwd"',
    ],
    [
      'a shape that lies',
      () => array(header('(1099511627776,)'), Buffer.alloc(8)),
      'an array of f8[1099511627776] has 8 bytes',
    ],
    ['pickled objects', () => array(header('(1,)', "'|O'"), Buffer.alloc(8)), 'an array holds pickled objects'],
    ['a header that is code', () => array("__import__('os').system('true')"), 'expected plain values'],
    ['a header of another form', () => array('[1, 2]'), 'the header of an array has no shape'],
    ['a header without end', () => array("{'descr': "), 'expected a dict of Python'],
    ['an unknown type', () => array(header('(1,)', "'<x8'"), Buffer.alloc(8)), 'the type "<x8", which cannot be read'],
    [
      'no array',
      () =>
        load(node('NdArrayNode', undefined, { type: 'numpy', file: 'a' }), [
          { name: 'a', content: Buffer.from('text text') },
        ]),
      'no file of numpy',
    ],
  ])('%s', (_what, read, message) => {
    expect(read).toThrow(expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }));
  });
});
