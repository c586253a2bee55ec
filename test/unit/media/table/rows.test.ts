import { describe, expect, it } from '@jest/globals';
import { deadlineAt, NEVER } from '../../../../src/core/deadline.ts';
import type { Signature } from '../../../../src/core/tensor.ts';
import { readCsv } from '../../../../src/media/table/csv.ts';
import { MAX_ROWS, readRows } from '../../../../src/media/table/rows.ts';
import { type ColumnSettings, createTable } from '../../../../src/media/table/table.ts';

const column = (name: string, dtype: Signature['inputs'][number]['dtype']) => ({ name, dtype, shape: ['N', 1] });
const signature: Signature = {
  inputs: [column('age', 'float32'), column('visits', 'int64'), column('port', 'string'), column('vip', 'bool')],
  outputs: [],
};
const columns: ColumnSettings[] = [
  { name: 'age', optional: true },
  { name: 'visits' },
  { name: 'port', categories: ['S', 'C'] },
  { name: 'vip' },
];
const table = createTable(columns, signature);
const NAN = Number.NaN;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('rows of JSON', () => {
  it.each<[string, unknown, unknown]>([
    ['one array', [1.5, 2, 'S', true], [[1.5, 2n, 'S', 1]]],
    [
      'a list of arrays',
      [
        [1, 2, 'S', true],
        [3, 4, 'C', false],
      ],
      [
        [1, 2n, 'S', 1],
        [3, 4n, 'C', 0],
      ],
    ],
    ['one object', { port: 'C', vip: false, visits: 3, age: 1 }, [[1, 3n, 'C', 0]]],
    [
      'a list of both',
      [{ port: 'C', vip: false, visits: 3 }, [null, -1, 'S', 1]],
      [
        [NAN, 3n, 'C', 0],
        [NAN, -1n, 'S', 1],
      ],
    ],
    [
      'columns, as the Hugging Face API takes them',
      { data: { age: ['1.5', ''], visits: ['2', '3'], port: ['S', 'C'], vip: ['true', 'false'] } },
      [
        [1.5, 2n, 'S', 1],
        [NAN, 3n, 'C', 0],
      ],
    ],
    [
      'columns and lists of values, as pandas writes them with orient="split"',
      {
        columns: ['port', 'age', 'vip', 'visits'],
        index: [7, 9],
        data: [
          ['S', 1.5, true, 2],
          ['C', null, false, 3],
        ],
      },
      [
        [1.5, 2n, 'S', 1],
        [NAN, 3n, 'C', 0],
      ],
    ],
    ['numbers as text', ['-1e3', ' +7 ', 'S', 'TRUE'], [[-1000, 7n, 'S', 1]]],
    ['whole numbers written as fractions', [1, '3.0', 'S', true], [[1, 3n, 'S', 1]]],
    ['a long integer for a float', [10n ** 20n, 1, 'S', true], [[1e20, 1n, 'S', 1]]],
    ['integers beyond 2^53', [1, 9_007_199_254_740_993n, 'S', true], [[1, 9_007_199_254_740_993n, 'S', 1]]],
  ])('may be %s', (_what, inputs, rows) => {
    expect(readRows(inputs, table)).toEqual(rows);
  });

  it.each<[string, unknown, string]>([
    ['a row too short', [[1, 2, 'S']], 'inputs[0] has 3 values, expected 4: "age", "visits", "port", "vip"'],
    [
      'a row too long',
      [
        [1, 2, 'S', true],
        [1, 2, 'S', true, 5],
      ],
      'inputs[1] has 5 values, expected 4',
    ],
    ['an unknown column', { age: 1, prot: 'S' }, 'inputs: column "prot" is unknown, the model has "age", "visits"'],
    ['the name of what every object has', [{ toString: 1 }], 'inputs[0]: column "toString" is unknown'],
    ['text for a number', [['old', 2, 'S', true]], 'inputs[0]: column "age" is "old", expected a number'],
    ['"NaN"', [['NaN', 2, 'S', true]], 'inputs[0]: column "age" is "NaN", expected a number'],
    ['"Infinity"', [['Infinity', 2, 'S', true]], 'inputs[0]: column "age" is "Infinity", expected a number'],
    ['hexadecimal', [['0x10', 2, 'S', true]], 'column "age" is "0x10", expected a number'],
    ['what float32 cannot hold', [[1e39, 2, 'S', true]], 'inputs[0]: column "age" is 1e+39, too large for float32'],
    [
      'a fraction for an integer',
      [[1, 2.5, 'S', true]],
      'inputs[0]: column "visits" is 2.5, expected an integer (int64)',
    ],
    [
      'a number that lost digits',
      [[1, 2 ** 60, 'S', true]],
      'column "visits" is 1152921504606847000, expected an integer',
    ],
    ['what int64 cannot hold', [[1, '9223372036854775808', 'S', true]], 'out of the range of int64'],
    ['a missing integer', [{ port: 'S', vip: true }], 'inputs[0]: column "visits" is missing, and the model needs it'],
    ['a missing string', [[1, 2, null, true]], 'inputs[0]: column "port" is missing'],
    [
      'a category that the graph never saw',
      [[1, 2, 'Q', true]],
      'inputs[0]: column "port" is "Q", which the model does not know; it knows "S", "C"',
    ],
    ['a number for a string', [[1, 2, 3, true]], 'inputs[0]: column "port" is 3, expected a string'],
    ['half a surrogate pair', [[1, 2, '\ud800', true]], 'column "port" is "\\ud800", expected a string'],
    ['no truth value', [[1, 2, 'S', 'yes']], 'inputs[0]: column "vip" is "yes", expected true or false'],
    ['a nested list', [[[1], 2, 'S', true]], 'inputs[0]: column "age" is [1], expected a number'],
    ['no rows', [], 'there are no rows'],
    ['a row that is none', [[1, 2, 'S', true], 'S'], 'inputs[1] is "S", expected a row'],
    ['null', null, 'inputs is null, expected a row'],
    [
      'columns of different length',
      { data: { age: [1, 2], visits: [1] } },
      'inputs.data: column "visits" has 1 values, the first one 2',
    ],
    ['a column that is no list', { data: { age: 1 } }, 'inputs.data: column "age" is no list of values'],
    ['an unknown column of the Hugging Face form', { data: { ages: [1] } }, 'inputs.data: column "ages" is unknown'],
    ['no columns', { data: {} }, 'there are no rows'],
    ['an unknown column of the form of pandas', { columns: ['ages'], data: [[1]] }, 'inputs.columns: column "ages" is'],
    ['a column that comes twice', { columns: ['age', 'age'], data: [[1, 2]] }, 'inputs.columns has a name twice'],
    ['a column without a name', { columns: ['age', 1], data: [[1, 2]] }, 'inputs.columns has 1, expected names of'],
    [
      'a row that is too short',
      { columns: ['age', 'vip'], data: [[1]] },
      'inputs.data[0] is [1], expected a list of 2',
    ],
    ['a row that is no list', { columns: ['age', 'vip'], data: [1] }, 'inputs.data[0] is 1, expected a list of 2'],
    ['no rows', { columns: ['age'], data: [] }, 'there are no rows'],
  ])('are refused for %s', (_what, inputs, message) => {
    expect(() => readRows(inputs, table)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(message) }),
    );
  });

  it('take a column named data for a column', () => {
    const data = createTable(undefined, { inputs: [column('data', 'float32'), column('b', 'float32')], outputs: [] });
    expect(readRows({ data: 1, b: 2 }, data)).toEqual([[1, 2]]);
  });
});

describe('rows of CSV', () => {
  it.each<[string, string, unknown]>([
    [
      'a header, in any order',
      'port,vip,visits,age\nS,true,1,2.5\n"C",0,2,\n',
      [
        [2.5, 1n, 'S', 1],
        [NAN, 2n, 'C', 0],
      ],
    ],
    ['columns left out that may be missing', 'vip,port,visits\r\n1,C,7\r\n', [[NAN, 7n, 'C', 1]]],
    ['no header', '2.5,1,S,true', [[2.5, 1n, 'S', 1]]],
    ['a byte order mark', '\ufeffage,visits,port,vip\n1,2,S,1', [[1, 2n, 'S', 1]]],
    ['a header with a line end of another kind than the rows', 'age,visits,port,vip\n1,2,S,1\r\n', [[1, 2n, 'S', 1]]],
    ['rows with a line end of another kind than the header', 'age,visits,port,vip\r\n1,2,S,1\n', [[1, 2n, 'S', 1]]],
    [
      'line ends of old Macs, and all kinds of them',
      'age,visits,port,vip\r1,2,S,1\n3,4,"C",0\r\n5,6,S,1\r',
      [
        [1, 2n, 'S', 1],
        [3, 4n, 'C', 0],
        [5, 6n, 'S', 1],
      ],
    ],
    ['empty lines', '\nage,visits,port,vip\n\n1,2,S,1\n\n', [[1, 2n, 'S', 1]]],
  ])('may have %s', (_what, text, rows) => {
    expect(readCsv(bytes(text), table, NEVER)).toEqual(rows);
  });

  it.each<[string, string, boolean | undefined, unknown]>([
    [
      'values among which is the name of one',
      '1,0.5,7\n5,5,5',
      undefined,
      [
        [1, 0.5, 7],
        [5, 5, 5],
      ],
    ],
    [
      'equal names',
      '1,1,1\n5,5,5',
      undefined,
      [
        [1, 1, 1],
        [5, 5, 5],
      ],
    ],
    ['all names', '2,0,1\n5,6,7', undefined, [[6, 7, 5]]],
    [
      'all names, when the caller says that there is no header',
      '2,0,1\n5,6,7',
      false,
      [
        [2, 0, 1],
        [5, 6, 7],
      ],
    ],
  ])('of columns that are called 0, 1 and 2 may begin with %s', (_what, text, hasHeader, rows) => {
    const names = ['0', '1', '2'];
    const numbered = createTable(
      names.map((name) => ({ name })),
      { inputs: [{ name: 'X', dtype: 'float32', shape: ['N', 3] }], outputs: [] },
    );
    expect(readCsv(bytes(text), numbered, NEVER, hasHeader)).toEqual(rows);
  });

  it('take the first record for a header when the caller says so, and name its unknown column', () => {
    expect(() => readCsv(bytes('a,b\n1,2'), table, NEVER, true)).toThrow('CSV header: column "a" is unknown');
  });

  it.each<[string, Uint8Array, string]>([
    ['an unknown column', bytes('age,visits,prot,vip\n1,2,S,1'), 'CSV header: column "prot" is unknown'],
    ['a column that is there twice', bytes('age,age\n1,2'), 'CSV header: column "age" is there twice'],
    ['a missing column', bytes('age,port,vip\n1,S,1'), 'CSV row 1: column "visits" is missing'],
    [
      'a row too long',
      bytes('age,visits,port,vip\n1,2,S,1\n1,2,S,1,3'),
      'CSV row 2 has 5 values, expected 4 as the header',
    ],
    ['a row too short, without a header', bytes('1,2,S,1\n1,2'), 'CSV row 2 has 2 values, expected 4'],
    ['another number of values, without a header', bytes('1,2,S,1,5'), 'CSV row 1 has 5 values, expected 4: "age"'],
    [
      'more values than anybody means',
      bytes(`age,visits,port,vip\n"a\n,",2,S,1\n${','.repeat(200)}`),
      'CSV line 4 has more than 104 values',
    ],
    ['semicolons', bytes('port;age\nS;1,5'), 'the CSV has semicolons between its values, expected commas'],
    ['semicolons and decimal commas', bytes('\n1,5;2;S;1'), 'pandas.read_csv("rows.csv", sep=";", decimal=",")'],
    ['semicolons behind quotes', bytes('"age";"visits";"port";"vip"\n1;2;S;1'), 'the CSV has semicolons'],
    ['tabs', bytes('1\t2\tS\t1'), 'the CSV has tabs between its values, expected commas'],
    ['vertical bars', bytes('age|port|vip\n1|S|1'), 'the CSV has vertical bars between its values'],
    ['text for a number', bytes('age,visits,port,vip\nx,2,S,1'), 'CSV row 1: column "age" is "x", expected a number'],
    ['a quote that does not end', bytes('age,visits,port,vip\n1,2,"S,1'), 'the CSV cannot be read'],
    ['nothing but a header', bytes('age,visits,port,vip\n'), 'there are no rows'],
    ['nothing at all', bytes('\n'), 'there are no rows'],
    ['another encoding', Uint8Array.of(0x61, 0xe9, 0x0a), 'the CSV is not UTF-8'],
  ])('are refused for %s', (_what, csv, message) => {
    expect(() => readCsv(csv, table, NEVER)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(message) }),
    );
  });
});

describe('columns', () => {
  const matrix = (width: number | string, dtype: 'float32' | 'float16' = 'float32'): Signature => ({
    inputs: [{ name: 'X', dtype, shape: ['N', width] }],
    outputs: [],
  });

  it('are found by the name that skl2onnx makes of theirs, whatever their order', () => {
    const inputs = [column('_2nd_floor', 'float32'), column('fare__GBP_', 'string')];
    const { inputs: found } = createTable([{ name: 'fare (GBP)' }, { name: '2nd floor' }], { inputs, outputs: [] });
    expect(found.map(({ columns: filled }) => filled)).toEqual([[1], [0]]);
  });

  it('follow each other where inputs take several', () => {
    const inputs = [
      { name: 'numbers', dtype: 'float32', shape: ['N', 2] },
      { name: 'text', dtype: 'string', shape: ['N', 1] },
    ] as const;
    const { columns: found } = createTable([{ name: 'a' }, { name: 'b' }, { name: 'c' }], { inputs, outputs: [] });
    expect(found.map(({ dtype }) => dtype)).toEqual(['float32', 'float32', 'string']);
  });

  it('without names are called as scikit-learn calls them', () => {
    expect(createTable(undefined, matrix(3)).columns.map(({ name }) => name)).toEqual(['x0', 'x1', 'x2']);
  });

  it('give an input its width when the graph leaves it open', () => {
    expect(createTable([{ name: 'a' }, { name: 'b' }], matrix('')).inputs[0]?.columns).toEqual([0, 1]);
  });

  it.each<[string, ColumnSettings[] | undefined, Signature, string]>([
    ['they are too few', [{ name: 'a' }], matrix(3), 'the graph takes 3 columns, config.json names 1: "a"'],
    ['one is there twice', [{ name: 'a' }, { name: 'a' }], matrix(2), 'names a column twice'],
    ['nobody says how many there are', undefined, matrix(''), 'the graph does not say how many columns'],
    [
      'none is called as an input',
      [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }],
      signature,
      'no column is called as the input "age"',
    ],
    [
      'a category is of another type',
      [{ name: 'a', categories: ['x'] }],
      matrix(1),
      'category "x" of column "a" is no float32',
    ],
    [
      'a category of integers is a fraction',
      [{ name: 'age' }, { name: 'visits', categories: [0.5, 1] }, { name: 'port' }, { name: 'vip' }],
      signature,
      'category 0.5 of column "visits" is no int64',
    ],
    [
      'an integer may be missing',
      [{ name: 'age' }, { name: 'visits', optional: true }, { name: 'port' }, { name: 'vip' }],
      signature,
      'column "visits" is optional, but int64 has no missing values',
    ],
    [
      'the graph takes pictures',
      undefined,
      { inputs: [{ name: 'pixels', dtype: 'float32', shape: ['N', 3, 8, 8] }], outputs: [] },
      'input "pixels" is float32[N,3,8,8]',
    ],
    ['the graph takes float16', undefined, matrix(2, 'float16'), 'any type but float16'],
  ])('are refused where %s', (_what, named, graph, message) => {
    expect(() => createTable(named, graph)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

it.each<[string, () => unknown]>([
  [
    'JSON',
    () =>
      readRows(
        Array.from({ length: MAX_ROWS + 1 }, () => [1, 2, 'S', true]),
        table,
      ),
  ],
  ['CSV', () => readCsv(bytes('1,2,S,1\n'.repeat(MAX_ROWS + 1)), table, NEVER)],
])('more rows of %s than are taken at once are refused as too much', (_what, read) => {
  const message = expect.stringContaining(`at most ${MAX_ROWS}`);
  expect(read).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', message }));
});

it('rows whose missing values would fill the memory are refused as too much', () => {
  const wideColumns = Array.from({ length: 1_000 }, (_, index) => ({ name: `c${index}`, optional: true }));
  const wide = createTable(wideColumns, {
    inputs: [{ name: 'X', dtype: 'float32', shape: ['N', 1_000] }],
    outputs: [],
  });
  const rows = Array.from({ length: 40_000 }, () => ({}));

  const refusal = expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', message: expect.stringContaining('values') });
  expect(() => readRows(rows, wide)).toThrow(refusal);
  expect(() => readRows({ data: { c0: Array(40_000).fill(1) } }, wide)).toThrow(refusal);
  expect(() => readCsv(bytes(`c0\n${'1\n'.repeat(40_000)}`), wide, NEVER)).toThrow(refusal);
});

it.each([
  ['before the first record', '1,2,S,1\n', 'records of the CSV'],
  ['between the records', '1,2,S,1\n'.repeat(100), 'records of the CSV'],
])('CSV is given up at the deadline: %s', (_when, text, message) => {
  expect(() => readCsv(bytes(text), table, deadlineAt(0))).toThrow(
    expect.objectContaining({ code: 'DEADLINE_EXCEEDED', message: expect.stringContaining(message) }),
  );
});
