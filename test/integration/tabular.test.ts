import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const MODELS = 'test/fixtures/models';
const IRIS = 'models/iris';

interface Golden {
  readonly samples: readonly { readonly row: number[]; readonly scores: Readonly<Record<string, number>> }[];
}
const { samples } = JSON.parse(await readFile(`${IRIS}/golden.json`, 'utf8')) as Golden;

let serving: TestServing;

const post = async (model: string, body: unknown, type = 'application/json', query = '') => {
  const response = await serving.fetch(`/models/${model}${query}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as never };
};

beforeAll(async () => {
  serving = await createTestServing();
  for (const name of [
    'iris',
    'tabular-mixed',
    'tabular-imputed',
    'tabular-forest',
    'tabular-boosting',
    'tabular-ridge',
  ])
    await pushNamed(serving.repository, name);
});
afterAll(() => serving.remove());

describe('iris', () => {
  it('answers as scikit-learn does', async () => {
    const { answer } = await post('iris', { inputs: samples.map(({ row }) => row) });
    (answer as LabelScore[][]).forEach((labels, index) => {
      expect(labels.map(({ score }) => score)).toEqual(labels.map(({ score }) => score).sort((a, b) => b - a));
      for (const { label, score } of labels)
        expect(Math.abs(score - (samples[index]?.scores[label] ?? 1))).toBeLessThan(1e-5);
    });
    expect(answer).toHaveLength(samples.length);
  });

  it('answers the same to CSV, JSON Lines and rows by name', async () => {
    const read = (name: string) => readFile(`${IRIS}/samples/${name}`, 'utf8');
    const lines = (await read('flowers.jsonl')).trim();
    const { answer: expected } = await post('iris', { inputs: samples.slice(0, 3).map(({ row }) => row) });

    const csv = await post('iris', await read('flowers.csv'), 'text/csv; charset=utf-8');
    const jsonl = await post('iris', lines, 'application/jsonl');
    const objects = await post('iris', { inputs: lines.split('\n').map((line) => JSON.parse(line) as unknown) });

    expect((csv.answer as unknown[]).slice(0, 3)).toEqual(expected);
    expect(jsonl.answer).toEqual(expected);
    expect(objects.answer).toEqual(expected);
  });

  it('answers with the best labels alone', async () => {
    const { answer } = await post('iris', samples.map(({ row }) => row.join(',')).join('\n'), 'text/csv', '?top_k=1');
    expect((answer as LabelScore[][]).map(([first, ...others]) => [first?.label, others.length])).toEqual(
      samples.map(({ scores }) => [Object.entries(scores).sort(([, a], [, b]) => b - a)[0]?.[0], 0]),
    );
  });

  it('keeps the order of more rows than run together', async () => {
    const rows = Array.from({ length: 100 }, (_, index) => samples[index % 2]?.row);
    const { answer } = await post('iris', { inputs: rows, parameters: { top_k: 1 } });
    expect((answer as LabelScore[][]).map(([best]) => best?.label)).toEqual(
      rows.map((_, index) => (index % 2 === 0 ? 'setosa' : 'versicolor')),
    );
  });
});

describe('tables', () => {
  it('give a list of numbers, or of lists for several targets', async () => {
    const row = { area: 1, rooms: 2, floor: null, side: 'south', heating: 'gas' };
    expect(await post('tabular-boosting', { inputs: row })).toEqual({ status: 200, answer: [expect.any(Number)] });
    expect(await post('tabular-ridge', { inputs: [1, 2, 3] })).toEqual({
      status: 200,
      answer: [[expect.any(Number), expect.any(Number)]],
    });
  });

  it.each<[string, string, unknown, string, number, string]>([
    [
      'tabular-mixed',
      'a category it never saw',
      { inputs: [10, 30, 'London', true] },
      'application/json',
      422,
      'column "port" is "London"',
    ],
    [
      'tabular-mixed',
      'a missing integer',
      'fare (GBP),port,alone\n1,Cherbourg,1',
      'text/csv',
      422,
      'CSV row 1: column "age" is missing',
    ],
    [
      'tabular-forest',
      'a missing number that nothing imputes',
      {
        inputs: [
          [1, 2, 3, 4],
          [1, null, 3, 4],
        ],
      },
      'application/json',
      422,
      'inputs[1]: column "x1" is missing',
    ],
    [
      'tabular-ridge',
      'a row without end',
      { inputs: [1, 2, 3, 4] },
      'application/json',
      422,
      'has 4 values, expected 3',
    ],
    [
      'iris',
      'a value that overflows',
      {
        inputs: [
          [5, 3, 1, 1],
          [3e38, -3e38, 3e38, 3e38],
        ],
      },
      'application/json',
      422,
      "inputs[1]: the model's answer is not a number",
    ],
    ['iris', 'a picture', 'GIF89a', 'image/gif', 415, 'rows are sent as text/csv'],
    [
      'iris',
      'an unknown parameter',
      { inputs: [1, 2, 3, 4], parameters: { topk: 1 } },
      'application/json',
      400,
      'parameter "topk" is unknown',
    ],
    [
      'tabular-ridge',
      'a parameter',
      { inputs: [1, 2, 3], parameters: { top_k: 1 } },
      'application/json',
      400,
      'this task takes: none',
    ],
  ])('%s refuses %s', async (model, _what, body, type, status, message) => {
    expect(await post(model, body, type)).toEqual({
      status,
      answer: expect.objectContaining({ error: expect.stringContaining(message) }),
    });
  });

  it('whose model had ZipMap are described as tensors', async () => {
    const response = await serving.fetch('/v2/models/tabular-forest');
    expect(await response.json()).toMatchObject({
      outputs: [{ name: 'output_label' }, { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] }],
    });
  });

  it('whose model had ZipMap answer tensors raw', async () => {
    const x = { name: 'X', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
    const response = await serving.fetch('/v2/models/tabular-forest/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs: [x] }),
    });
    expect(await response.json()).toMatchObject({
      outputs: [
        { name: 'output_label', datatype: 'INT64', shape: [1] },
        { name: 'probabilities', datatype: 'FP32', shape: [1, 3] },
      ],
    });
  });
});

describe('pushing a table', () => {
  let folder: string;
  const push = async (model: string, config: Record<string, unknown>) => {
    await cp(join(MODELS, model), folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    return pushModel(serving.repository, folder, { name: 'changed', dryRun: true });
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'table-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('takes a bare file, whose inputs name the columns', async () => {
    const { task } = await pushModel(serving.repository, join(MODELS, 'tabular-imputed/model.onnx'), {
      ...{ name: 'bare', task: 'tabular-classification' },
      dryRun: true,
    });
    expect(task).toBe('tabular-classification');
  });

  const columns = ['fare (GBP)', 'age', { name: 'port', categories: ['Cherbourg'] }, 'alone'];
  it.each<[string, string, Record<string, unknown>, RegExp]>([
    [
      'categories that the encoder does not know',
      'tabular-mixed',
      { columns: columns.with(2, { name: 'port', categories: ['Cherbourg', 'London'] }) },
      /refuses a category.*"categories"/,
    ],
    [
      'no categories for an encoder that refuses strangers',
      'tabular-mixed',
      { columns: columns.with(2, 'port') },
      /refuses a category.*"categories"/,
    ],
    [
      'a column too many',
      'tabular-imputed',
      { columns: ['a', 'b', 'c', 'd'] },
      /takes 3 columns, config\.json names 4/,
    ],
    ['columns that are no list', 'tabular-imputed', { columns: 'a' }, /"columns" in config\.json is no list/],
    ['columns without a name', 'tabular-imputed', { columns: [{}, 'b', 'c'] }, /name/],
    [
      'a label too many',
      'tabular-imputed',
      { id2label: { 0: 'a', 1: 'b', 2: 'c' } },
      /the graph has 2 classes, "id2label" in config\.json names 3/,
    ],
    ['labels in another order', 'tabular-imputed', { id2label: { 0: '1', 1: '-1' } }, /its order counts/],
  ])('is refused for %s', async (_what, model, config, message) => {
    await expect(push(model, { pipeline_tag: 'tabular-classification', ...config })).rejects.toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('is refused for outputs that are no scores', async () => {
    await expect(
      push('tabular-ridge', { pipeline_tag: 'tabular-classification', id2label: { 0: 'a' } }),
    ).rejects.toThrow(/the graph has 2 classes/);
    await expect(push('tabular-forest', { pipeline_tag: 'tabular-regression' })).rejects.toThrow(/needs one output/);
  });
});

describe('a model to which zeros are no numbers', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'logarithms-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  /** The mean logarithm of the numbers of a row less `less`. */
  const writeLogarithms = async (less: number): Promise<string> => {
    const folder = join(root, `logarithms-${less}`);
    await mkdir(folder);
    const float = (name: string, ...shape: (number | string)[]) => ({ name, dtype: 'float32', shape }) as const;
    const graph = toOnnxFile({
      inputs: [float('x', 'n', 2)],
      outputs: [float('y', 'n', 1)],
      weights: [{ ...float('less', 1), data: Float32Array.of(less) }],
      nodes: [
        { operator: 'Sub', inputs: ['x', 'less'], outputs: ['rest'] },
        { operator: 'Log', inputs: ['rest'], outputs: ['logs'] },
        { operator: 'ReduceMean', inputs: ['logs'], outputs: ['y'], attributes: { axes: [1], keepdims: 1 } },
      ],
    });
    await writeFile(join(folder, 'model.onnx'), graph);
    await writeFile(join(folder, 'config.json'), '{"pipeline_tag": "tabular-regression"}');
    return folder;
  };

  it('is tried, and warmed up, with ones', async () => {
    await pushModel(serving.repository, await writeLogarithms(0), { name: 'logarithms' });
    expect(await post('logarithms', { inputs: [[1, 1]] })).toEqual({ status: 200, answer: [0] });
    expect(await post('logarithms', { inputs: [[1, 0]] })).toMatchObject({
      status: 422,
      answer: { error: expect.stringContaining("inputs[0]: the model's answer is not a number") },
    });
  });

  it('is tried with its warm-up input where ones are none, either', async () => {
    const folder = await writeLogarithms(2);
    const options = { name: 'warmed', warmup: [join(folder, 'request.json')] };
    await writeFile(join(folder, 'request.json'), '{"inputs": [[3, 3]]}');
    const refused = pushModel(serving.repository, folder, { name: 'warmed' });
    await expect(refused).rejects.toThrow(/failed on a row of zeros, and on one of ones: .*--warmup <request.json>/);
    await pushModel(serving.repository, folder, options);
    expect(await post('warmed', { inputs: [[3, 3]] })).toEqual({ status: 200, answer: [0] });
  });
});
