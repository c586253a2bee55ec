import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parquetReadObjects } from 'hyparquet';
import { openSource } from '../../cli/targets/bulk-source.ts';
import { type Deadline, NEVER } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import type { BulkElement } from '../../src/jobs/bulk/bulk-element.ts';
import { attemptKey, createRun, progressKey, readChunk, readPlan, toElements } from '../../src/jobs/bulk/bulk-run.ts';
import {
  answered,
  answerLine,
  type ChunkEnd,
  type ChunkLines,
  createChunkLines,
  failureLine,
  readDone,
  refused,
  writeEnd,
} from '../../src/jobs/bulk/chunk-end.ts';
import { planRun, prefixSource, type ReadSource } from '../../src/jobs/bulk/plan-run.ts';
import { runChunk } from '../../src/jobs/bulk/run-chunk.ts';
import { createSummariser, writeManifest } from '../../src/jobs/bulk/summarise-run.ts';
import { tableSource } from '../../src/jobs/bulk/table-source.ts';
import { bulkRun, readAnswers, readChunkFailures, sourceOf } from '../support/bulk.ts';
import { countRows } from '../support/jobs.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';

let serving: TestServing;
beforeEach(async () => {
  serving = await createTestServing();
  await pushNamed(serving.repository, 'iris');
});
afterEach(() => serving.remove());

const rowsOf = (count: number): BulkElement[] =>
  Array.from({ length: count }, (_, index) => ({ row: index + 1, input: [5 + (index % 3), 3, 1 + (index % 5), 0.2] }));

const start = async (elements: readonly BulkElement[], change = {}) => {
  const run = bulkRun(change);
  await createRun(serving.data, run);
  await planRun(serving.data, run, sourceOf(elements));
  return run;
};

const runOne = (chunk: number, on: Pick<TestServing, 'data'> = serving): Promise<ChunkEnd> =>
  runChunk({ ...serving, ...on }, { name: 'run', chunk, deadline: NEVER, requestId: 'request', child: 'child' });

const collect = async (source: ReadSource, cursor = ''): Promise<BulkElement[]> => {
  const elements: BulkElement[] = [];
  for await (const { element } of source(cursor)) elements.push(...toElements([element]));
  return elements;
};

describe('a plan', () => {
  it('has the objects of a prefix in chunks, without the markers of folders, whatever their names', async () => {
    const names = ['a b', 'c+d', 'é', '{"x"}', 'z'];
    for (const name of names) await serving.data.write(`uploads/iris/${name}.csv`, '1,2,3,4');
    const run = bulkRun({ chunk: 2 });
    const marked = {
      ...serving.data,
      list: async function* (...args: Parameters<typeof serving.data.list>) {
        yield { key: 'uploads/iris/folder/', sizeBytes: 0, etag: '', modifiedMs: 0 };
        yield { key: 'uploads/iris/a\nb.csv', sizeBytes: 1, etag: '', modifiedMs: 0 };
        yield* serving.data.list(...args);
      },
    };

    const plan = await planRun(serving.data, run, prefixSource(marked, 'uploads/iris/'));

    expect(plan).toMatchObject({ chunks: 3, elements: 6, isComplete: true });
    expect(await readChunk(serving.data, 'run', 0)).toContainEqual({ key: 'uploads/iris/a\nb.csv' });
  });

  it('passes over a million markers of folders', async () => {
    const list = async function* () {
      for (let index = 0; index < 1_000_000; index += 1)
        yield { key: `uploads/iris/${index}/`, sizeBytes: 0, etag: '', modifiedMs: 0 };
      yield { key: 'uploads/iris/only.csv', sizeBytes: 1, etag: '', modifiedMs: 0 };
    };
    const source = prefixSource({ ...serving.data, list }, 'uploads/iris/');
    expect(await planRun(serving.data, bulkRun(), source)).toMatchObject({ chunks: 1, elements: 1 });
  });

  it('that was interrupted goes on where it ended, and has each element once', async () => {
    const elements = rowsOf(1_000);
    const run = bulkRun({ chunk: 3 });
    const broken: ReadSource = async function* (cursor) {
      for await (const next of sourceOf(elements)(cursor)) {
        if (next.cursor === '500') throw new Error('the listing broke off');
        yield next;
      }
    };
    await expect(planRun(serving.data, run, broken)).rejects.toThrow('the listing broke off');
    const { elements: planned, isComplete } = await readPlan(serving.data, 'run');
    expect([planned > 0 && planned < 500, isComplete]).toEqual([true, false]);

    const plan = await planRun(serving.data, run, sourceOf(elements));

    const rows: number[] = [];
    for (let chunk = 0; chunk < plan.chunks; chunk += 1)
      for (const element of toElements(await readChunk(serving.data, 'run', chunk)))
        rows.push('row' in element ? element.row : 0);
    expect(rows).toEqual(elements.map((_, index) => index + 1));
  });

  it('ends a chunk early that would be too large for a child', async () => {
    const text = 'x'.repeat(3_000_000);
    const elements = Array.from({ length: 8 }, (_, index) => ({ row: index + 1, input: text }));
    expect(await planRun(serving.data, bulkRun({ chunk: 200 }), sourceOf(elements))).toMatchObject({
      chunks: 3,
      elements: 8,
    });
    expect(await readChunk(serving.data, 'run', 2)).toHaveLength(2);
  });

  it('is not made twice under one name', async () => {
    await start(rowsOf(1));
    await expect(createRun(serving.data, bulkRun())).rejects.toThrow(/there is a run run already; go on with it/);
  });
});

describe('a file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bulk-source-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const read = async (name: string, text: string, cursor = '') => {
    const path = join(directory, name);
    await writeFile(path, text);
    return collect(await openSource(serving.data, { source: path, chunk: 2, join: [] }), cursor);
  };

  it('of CSV has a row for each record, with quotes and line breaks inside, and names those that are broken', async () => {
    const text =
      '\ufefftext,n\r\n"a ""quoted"", cell\nof two lines",1\r\nbroken\r\n\r\nplain,2\r\na,b,c\r\n"x"y,3\n"open,4\nlast,"5"';
    expect(await read('t.csv', text)).toEqual([
      { row: 1, line: 2, input: { text: 'a "quoted", cell\nof two lines', n: '1' } },
      { row: 2, line: 4, problem: 'row 2 (line 4) has 1 cells, the header has 2' },
      { row: 3, line: 6, input: { text: 'plain', n: '2' } },
      { row: 4, line: 7, problem: 'row 4 (line 7) has 3 cells, the header has 2' },
      { row: 5, line: 8, problem: 'row 5 (line 8) has a quotation mark that nothing closes' },
      { row: 6, line: 9, problem: 'row 6 (line 9) has a quotation mark that nothing closes' },
      { row: 7, line: 10, input: { text: 'last', n: '5' } },
    ]);
  });

  it('of CSV may have any name for a column', async () => {
    const [element] = await read('t.csv', '__proto__,constructor\n1,2\n');
    expect(JSON.stringify(element)).toBe('{"row":1,"line":2,"input":{"__proto__":"1","constructor":"2"}}');
  });

  it('of CSV may begin with a byte order mark before a quoted name', async () => {
    expect(await read('t.csv', '\ufeff"a, of\ntwo lines",n\n1,2\n')).toEqual([
      { row: 1, line: 3, input: { 'a, of\ntwo lines': '1', n: '2' } },
    ]);
  });

  it.each([
    ['has no header', '\n\n'],
    ['names the column "a" twice', 'a,b,a\n1,2,3\n'],
    ['has a quotation mark that nothing closes', '"a,b\n1,2\n'],
  ])('of CSV that %s is refused', async (reason, text) => {
    await expect(read('t.csv', text)).rejects.toThrow(reason);
  });

  it('in another encoding is refused by its header, and a row of it is a failure', async () => {
    const path = join(directory, 't.csv');
    const open = () => openSource(serving.data, { source: path, chunk: 2, join: [] }).then((source) => collect(source));
    await writeFile(path, Buffer.from('größe\n1\n', 'latin1'));
    await expect(open()).rejects.toThrow(/is not UTF-8; save the file in that encoding/);
    await writeFile(path, Buffer.from('a\ngröße\n1\n', 'latin1'));
    expect(await open()).toEqual([
      { row: 1, problem: 'line 2 is not UTF-8' },
      { row: 2, line: 3, input: { a: '1' } },
    ]);
  });

  it('is cut where records end, whatever the parts are in which its bytes come', async () => {
    const text = `id,text\r\n${Array.from({ length: 50 }, (_, index) => `${index},"ä ""${index}""\r\n,é"\r\n`).join('')}`;
    const bytes = Buffer.from(text);
    const expected = Array.from({ length: 50 }, (_, index) => ({
      ...{ row: index + 1, line: 2 + 2 * index, input: { id: String(index), text: `ä "${index}"\r\n,é` } },
    }));
    for (const size of [1, 2, 3, 7, 64, 10_000]) {
      const open = async function* (offset: number) {
        for (let at = offset; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const table = { path: 't.csv', kind: 'csv', stamp: '1', open } as const;
      const source = tableSource(table, { rows: 7, bytes: 1_000_000 });
      expect(await collect(source)).toEqual(expected);
      const cursors: string[] = [];
      for await (const { cursor } of source('')) cursors.push(cursor);
      expect(cursors).toHaveLength(8);
      expect(await collect(source, cursors[2])).toEqual(expected.slice(21));
      const changed = tableSource({ ...table, stamp: '2' }, { rows: 7, bytes: 1_000_000 });
      await expect(collect(changed, cursors[2])).rejects.toThrow(/t\.csv has changed since its plan was begun/);
    }
  });

  it('has the same broken rows, whatever the parts are in which its bytes come', async () => {
    const text = `id,text\r\n${Array.from({ length: 20 }, (_, index) => `${index},"text"behind it, ${index}\r\n`).join('')}`;
    const bytes = Buffer.from(text);
    for (const size of [1, 5, 16, 10_000]) {
      const open = async function* (offset: number) {
        for (let at = offset; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const table = { path: 't.csv', kind: 'csv', stamp: '1', open } as const;
      const found = await collect(tableSource(table, { rows: 3, bytes: 1_000_000 }));
      expect(found).toEqual(
        Array.from({ length: 20 }, (_, index) => ({
          ...{ row: index + 1, line: index + 2 },
          problem: `row ${index + 1} (line ${index + 2}) has a quotation mark that nothing closes`,
        })),
      );
    }
  });

  it('of the data bucket is read there, with the columns that --join names', async () => {
    await serving.data.write('uploads/tables/flowers.csv', 'id,x\na,1\n');
    const open = (join: string[], source = 'uploads/tables/flowers.csv') =>
      openSource(serving.data, { source, chunk: 2, join }).then((opened) => collect(opened));
    expect(await open(['id'])).toEqual([{ row: 1, line: 2, input: { id: 'a', x: '1' } }]);
    await expect(open(['no'])).rejects.toThrow(
      '--join names the column "no", and uploads/tables/flowers.csv has "id", "x"',
    );
    await expect(open(['id'], 'uploads/tables/')).rejects.toThrow(/and uploads\/tables\/ is none/);
    await expect(open([], 'uploads/tables/gone.csv')).rejects.toThrow(/does not exist/);
  });

  it('with a row that never ends is refused', async () => {
    const endless = async function* () {
      for (let part = 0; part < 20; part += 1) yield Buffer.alloc(1024 * 1024, 'x');
    };
    const table = { path: 't.jsonl', kind: 'jsonl', stamp: '1', open: endless } as const;
    await expect(collect(tableSource(table, { rows: 1, bytes: 1 }))).rejects.toThrow(
      't.jsonl, line 1: a row has more than',
    );
  });

  it('of JSON Lines has a value for each line, and names those that are none', async () => {
    const deep = '['.repeat(600) + ']'.repeat(600);
    expect(await read('t.jsonl', `[1,2]\n\n{"a": 1\n"text"\n${deep}\n`)).toEqual([
      { row: 1, input: [1, 2] },
      { row: 3, problem: expect.stringMatching(/^line 3 is not JSON/) },
      { row: 4, input: 'text' },
      { row: 5, problem: 'in line 5, lists and objects are nested too deep: more than 500 levels' },
    ]);
  });

  it('of keys has an object for each line, which may be a JSON string', async () => {
    expect(await read('t.txt', 'uploads/iris/a.csv\n"uploads/iris/a\\nb.csv"\nbulk/run/x\n"open\n')).toEqual([
      { key: 'uploads/iris/a.csv' },
      { key: 'uploads/iris/a\nb.csv' },
      { row: 3, problem: 'line 3 is bulk/run/x, expected a key below uploads/' },
      { row: 4, problem: 'line 4 is "open, expected a key below uploads/' },
    ]);
  });

  it.each(['s3://elsewhere/uploads/iris/', 's3://elsewhere'])('of another bucket is refused: %s', async (source) => {
    const data = { ...serving.data, location: 's3://data' };
    await expect(openSource(data, { source, chunk: 2, join: [] })).rejects.toThrow(
      `the source is ${source}; only the data bucket is read: s3://data`,
    );
  });

  it.each(['bulk/run/', 's3://data/results/', 'table.parquet', 'models'])('called %s is refused', async (source) => {
    const data = { ...serving.data, location: 's3://data' };
    await expect(openSource(data, { source, chunk: 2, join: [] })).rejects.toThrow(/expected a prefix below uploads\//);
  });
});

describe('a chunk', () => {
  it('is answered in the order of its elements, as requests would be, by one version', async () => {
    await start(rowsOf(25));
    await pushNamed(serving.repository, 'iris');
    const counted = await countRows(serving, 'iris');

    expect(await runOne(1)).toEqual({ succeeded: 10, failed: 0, isKnown: false });
    expect(await runOne(2)).toEqual({ succeeded: 5, failed: 0, isKnown: false });

    expect(counted).toEqual([10, 5]);
    const answers = await readAnswers(serving.data, 'run', 1);
    expect(answers?.map(({ row }) => row)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    const request = {
      inputs: rowsOf(20)
        .slice(10)
        .map((element) => 'input' in element && element.input),
    };
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(request) };
    expect(answers?.map(({ answer }) => answer)).toEqual(
      await (await serving.fetch('/models/iris/versions/1', init)).json(),
    );
  });

  it('has each element once, in the answers or in the failures', async () => {
    await serving.data.write('uploads/iris/good.csv', '5.1,3.5,1.4,0.2\n');
    await serving.data.write('uploads/iris/bad.csv', 'no,numbers\n');
    await start([
      ...[{ key: 'uploads/iris/bad.csv' }, { key: 'uploads/iris/good.csv' }, { key: 'uploads/iris/gone.csv' }],
      ...[
        { row: 4, line: 5, input: { 'sepal length (cm)': '1', x: '2' } },
        { row: 5, problem: 'row 5 has 1 cells' },
      ],
      { row: 6, input: [5.1, 3.5, 1.4, 0.2] },
    ]);

    expect(await runOne(0)).toEqual({ succeeded: 2, failed: 4, isKnown: false });

    expect((await readAnswers(serving.data, 'run', 0))?.map(({ key, row }) => key ?? row)).toEqual([
      ...['uploads/iris/good.csv', 6],
    ]);
    const failures = await readChunkFailures(serving.data, 'run', 0);
    expect(failures.map(({ key, row, code }) => [key ?? row, code])).toEqual([
      ...[
        ['uploads/iris/bad.csv', 'INVALID_INPUT'],
        ['uploads/iris/gone.csv', 'NOT_FOUND'],
        [4, 'INVALID_INPUT'],
      ],
      [5, 'INVALID_INPUT'],
    ]);
    expect(failures[3]?.message).toBe('row 5 has 1 cells');
    const summary = await createSummariser(serving.data, bulkRun())();
    expect(summary).toMatchObject({ chunks: { done: 1, total: 1 }, elements: 6, succeeded: 2, failed: 4 });
    expect(await writeManifest(serving.data, bulkRun(), summary)).toEqual({ INVALID_INPUT: 3, NOT_FOUND: 1 });
  });

  it('of a table has its columns beside the answers, and a refused row costs no other one', async () => {
    const columns = ['sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'];
    const cells = (index: number) => [5 + (index % 3), 3, index === 123 ? 'wide' : 1 + (index % 5), 0.2].map(String);
    const inputs = Array.from({ length: 200 }, (_, index) => cells(index));
    const elements = inputs.map((row, index) => ({
      ...{ row: index + 1, line: index + 2 },
      input: { id: `f${index}`, ...Object.fromEntries(columns.map((name, column) => [name, row[column]])) },
    }));
    const join = ['id', 'sepal width (cm)'];
    await start(elements, { chunk: 200, join });
    const parquet = bulkRun({ name: 'parquet', chunk: 200, join, format: 'parquet' });
    await createRun(serving.data, parquet);
    await planRun(serving.data, parquet, sourceOf(elements));

    expect(await runOne(0)).toEqual({ succeeded: 199, failed: 1, isKnown: false });
    const options = { name: 'parquet', chunk: 0, deadline: NEVER, requestId: 'request', child: 'child' };
    expect(await runChunk(serving, options)).toEqual({ succeeded: 199, failed: 1, isKnown: false });

    const [failure, ...others] = await readChunkFailures(serving.data, 'run', 0);
    expect(failure).toMatchObject({ row: 124, line: 125, code: 'INVALID_INPUT' });
    expect(failure?.message).toMatch(/column "petal length \(cm\)" is "wide", expected a number/);
    expect(others).toEqual([]);
    const answers = (await readAnswers(serving.data, 'run', 0)) ?? [];
    expect(answers[123]).toMatchObject({ row: 125, columns: { id: 'f124', 'sepal width (cm)': '3' } });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const body = JSON.stringify({ inputs: inputs.filter((_, index) => index !== 123) });
    expect(answers.map(({ answer }) => answer)).toEqual(
      await (await serving.fetch('/models/iris/versions/1', { ...init, body })).json(),
    );

    const { body: file } = await serving.data.read('bulk/parquet/results/00000000.parquet');
    const rows = await parquetReadObjects({ file: new Uint8Array(file).buffer });
    expect(rows).toHaveLength(199);
    for (const [index, { row, columns: joined, answer }] of answers.entries()) {
      const [best] = answer as { label: string; score: number }[];
      const expected = { row: BigInt(row ?? 0), ...joined, answer_label: best?.label, answer_score: best?.score };
      expect(rows[index]).toMatchObject(expected);
      expect(JSON.parse(rows[index]?.answer)).toEqual(answer);
    }
  });

  it('keeps all digits of integers beyond 2^53: joined, failed, retried, and in Parquet', async () => {
    const [id, other] = ['9007199254740993', '9223372036854775807'] as const;
    const row = (name: string, width: string) =>
      `{"id":${name},"sepal length (cm)":5,"sepal width (cm)":${width},"petal length (cm)":1,"petal width (cm)":0.2}\n`;
    const source = 'uploads/iris/rows.jsonl';
    await serving.data.write(source, row(id, '3') + row(other, '"wide"'));
    const change = { chunk: 10, join: ['id'], source };
    const rows = await openSource(serving.data, bulkRun(change));
    for (const run of [bulkRun(change), bulkRun({ ...change, name: 'parquet', format: 'parquet' })]) {
      await createRun(serving.data, run);
      await planRun(serving.data, run, rows);
      await runChunk(serving, { name: run.name, chunk: 0, deadline: NEVER, requestId: 'request', child: 'child' });
    }

    const { body } = await serving.data.read('bulk/run/results/00000000.jsonl.gz');
    expect(gunzipSync(body).toString()).toContain(`"columns":{"id":${id}}`);
    const done = await readDone(serving.data, bulkRun(change), 0);
    const { body: failures } = await serving.data.read(done?.failuresKey ?? '');
    expect(Buffer.from(failures).toString()).toContain(`"input":{"id":${other},`);
    const { body: file } = await serving.data.read('bulk/parquet/results/00000000.parquet');
    expect(await parquetReadObjects({ file: new Uint8Array(file).buffer })).toMatchObject([{ id }]);
    const retry = await openSource(serving.data, bulkRun({ ...change, name: 'again', retryOf: 'run' }));
    expect(await collect(retry)).toMatchObject([{ row: 2, input: { id: BigInt(other) } }]);
  });

  it('that two children end at the same moment has the answers and the failures of one of them, whatever the other one failed at', async () => {
    const run = await start(rowsOf(3));
    const linesOf = (failing: readonly number[]): ChunkLines => {
      const lines = createChunkLines(run);
      for (const [index, element] of rowsOf(3).entries())
        lines.add(
          failing.includes(index)
            ? refused(failureLine(element, { code: 'INFERENCE_FAILED', message: 'no' }))
            : answered(answerLine(element, '1')),
        );
      return lines;
    };
    let waiting = 0;
    let open = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const write: typeof serving.data.write = async (key, ...rest) => {
      if (!key.includes('/results/')) return serving.data.write(key, ...rest);
      waiting += 1;
      if (waiting === 2) open(); // both have written their failures
      await both;
      return serving.data.write(key, ...rest);
    };
    const data = { ...serving.data, write };
    const ends = await Promise.all([writeEnd(data, run, 0, linesOf([0])), writeEnd(data, run, 0, linesOf([0, 1]))]);

    expect(ends.filter(({ isKnown }) => isKnown)).toHaveLength(1);
    expect(new Set(ends.map(({ succeeded, failed }) => `${succeeded} and ${failed}`)).size).toBe(1);
    const answers = (await readAnswers(serving.data, 'run', 0))?.map(({ row }) => row) ?? [];
    const failures = (await readChunkFailures(serving.data, 'run', 0)).map(({ row }) => row);
    expect([...answers, ...failures].sort()).toEqual([1, 2, 3]);
    expect(ends).toContainEqual({ succeeded: answers.length, failed: failures.length, isKnown: false });
  });

  it('whose results an earlier version wrote has its failures below the number of the chunk', async () => {
    const run = await start(rowsOf(2));
    const [first, second] = rowsOf(2);
    if (!(first && second)) throw new Error('there are two rows');
    const lines = createChunkLines(run);
    lines.add(answered(answerLine(first, '1')));
    const failure = failureLine(second, { code: 'INFERENCE_FAILED', message: 'no' });
    await serving.data.write('bulk/run/failures/00000000.jsonl', failure);
    const metadata = { succeeded: '1', failed: '1' };
    await serving.data.write('bulk/run/results/00000000.jsonl.gz', await lines.endFile(), { metadata });

    const { failed, counted } = await createSummariser(serving.data, run)();
    expect(failed).toBe(1);
    expect(await readChunkFailures(serving.data, 'run', 0)).toMatchObject([{ row: 2 }]);
    expect(counted.get(0)?.failuresKey).toBe('bulk/run/failures/00000000.jsonl');
  });

  it('of which an earlier version kept a part in another form is answered from its first element', async () => {
    await start(rowsOf(2));
    await serving.data.write(attemptKey('run', 0), JSON.stringify({ deaths: {}, isOver: true }));
    await serving.data.write(progressKey('run', 0), JSON.stringify([{ isAnswer: true, text: '{}' }]));

    expect(await runOne(0)).toEqual({ succeeded: 2, failed: 0, isKnown: false });
  });

  it('that is run twice, or by two children, is written once', async () => {
    await start(rowsOf(10));
    const ends = await Promise.all([runOne(0), runOne(0)]);
    expect(ends.filter(({ isKnown }) => !isKnown)).toHaveLength(1);
    const counted = await countRows(serving, 'iris');
    expect(await runOne(0)).toEqual({ succeeded: 10, failed: 0, isKnown: true });
    expect(counted).toEqual([]);
  });

  it('is left to another attempt while S3 does not answer, and no element is blamed', async () => {
    await serving.data.write('uploads/iris/good.csv', '5.1,3.5,1.4,0.2\n');
    await start([{ key: 'uploads/iris/good.csv' }]);
    const read: typeof serving.data.read = (key, most) =>
      key.startsWith('uploads/')
        ? Promise.reject(new ServingError('MODEL_UNAVAILABLE', 'S3 is away'))
        : serving.data.read(key, most);
    for (let attempt = 1; attempt <= 5; attempt += 1)
      await expect(runOne(0, { data: { ...serving.data, read } })).rejects.toThrow('S3 is away');
    expect(await readAnswers(serving.data, 'run', 0)).toBeUndefined();
    expect(await runOne(0)).toEqual({ succeeded: 1, failed: 0, isKnown: false });
  });

  it('is left to another attempt while a disk is full, and no element is blamed', async () => {
    await start(rowsOf(10));
    const full = () => Promise.reject(new ServingError('INSUFFICIENT_STORAGE', 'the disk is full'));
    const write: typeof serving.data.write = (key, ...rest) =>
      key.includes('/results/') ? full() : serving.data.write(key, ...rest);
    const options = { name: 'run', chunk: 0, deadline: NEVER, requestId: 'request', child: 'child' };
    const children = [
      { ...serving, models: { ...serving.models, acquire: full } },
      { ...serving, data: { ...serving.data, write } },
    ];
    for (const child of children) await expect(runChunk(child, options)).rejects.toThrow('the disk is full');
    expect(await readAnswers(serving.data, 'run', 0)).toBeUndefined();
    expect(await runOne(0)).toEqual({ succeeded: 10, failed: 0, isKnown: false });
    expect(await readChunkFailures(serving.data, 'run', 0)).toEqual([]);
  });

  it('whose time is over goes on behind the elements that are done', async () => {
    const all = 2_500;
    await start(rowsOf(all), { chunk: all });
    const counted = await countRows(serving, 'iris');
    const total = () => counted.reduce((sum, rows) => sum + rows, 0);
    const short = { remainingMs: () => (total() < 1_024 ? 60_000 : -1) };
    const run = (deadline: Deadline) =>
      runChunk(serving, { name: 'run', chunk: 0, deadline, requestId: 'request', child: 'child' });
    await expect(run(short)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const done = total();

    expect(await run(NEVER)).toEqual({ succeeded: all, failed: 0, isKnown: false });

    expect([done > 0 && done < all, total()]).toEqual([true, all]);
    expect((await readAnswers(serving.data, 'run', 0))?.map(({ row }) => row)).toEqual(
      rowsOf(all).map((_, i) => i + 1),
    );
  });

  it('gives an element up that uses up the whole time alone, twice, and no other', async () => {
    for (const name of ['long', 'short']) await serving.data.write(`uploads/iris/${name}.csv`, '5.1,3.5,1.4,0.2\n');
    await start([{ key: 'uploads/iris/long.csv' }, { key: 'uploads/iris/short.csv' }]);
    await serving.fetch('/models/iris/versions/1', { method: 'POST', body: '{"inputs": [[5.1, 3.5, 1.4, 0.2]]}' });
    let isOver = false;
    const data = {
      ...serving.data,
      read: (...args: Parameters<typeof serving.data.read>) => {
        isOver ||= args[0] === 'uploads/iris/long.csv';
        return serving.data.read(...args);
      },
    };
    const run = () => {
      isOver = false;
      const deadline = { remainingMs: () => (isOver ? -1 : 60_000) };
      return runChunk({ ...serving, data }, { name: 'run', chunk: 0, deadline, requestId: 'request', child: 'child' });
    };
    for (let attempt = 1; attempt <= 3; attempt += 1)
      await expect(run()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await run()).toEqual({ succeeded: 1, failed: 1, isKnown: false });
    const failed = 'uploads/iris/long.csv';
    expect((await readChunkFailures(serving.data, 'run', 0)).map(({ key }) => key)).toEqual([failed]);
  });

  it('gives an element up that has ended its process twice, and no other', async () => {
    await start(rowsOf(3));
    await serving.data.write(attemptKey('run', 0), JSON.stringify({ child: 'child', running: 1, deaths: {} }));
    const counted = await countRows(serving, 'iris');
    expect(await runOne(0)).toEqual({ succeeded: 3, failed: 0, isKnown: false }); // one death proves nothing
    expect(counted).toEqual([1, 1, 1]);

    await serving.data.remove('bulk/run/results/00000000.jsonl.gz');
    await serving.data.write(attemptKey('run', 0), JSON.stringify({ child: 'child', running: 1, deaths: { 1: 1 } }));
    expect(await runOne(0)).toEqual({ succeeded: 2, failed: 1, isKnown: false });
    const [failure] = await readChunkFailures(serving.data, 'run', 0);
    expect(failure).toMatchObject({ row: 2, code: 'INFERENCE_FAILED', message: expect.stringMatching(/^the process/) });
  });
});
