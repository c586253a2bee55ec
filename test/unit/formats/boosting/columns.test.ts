import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import type { BoosterColumn } from '../../../../src/formats/boosting/booster.ts';
import { addInputs, toNumbers } from '../../../../src/formats/boosting/columns.ts';
import { createGraph } from '../../../../src/onnx/graph-builder.ts';

const columns: readonly BoosterColumn[] = [
  { name: 'size' },
  { name: 'colour', categories: ['red', 'grün', ''] },
  { name: 'year', categories: [1999, 2024] },
];
const origin = 'XGBoost 3.2.0';

const run = async (feeds: Readonly<Record<string, ort.Tensor>>, known: readonly BoosterColumn[]) => {
  const graph = createGraph();
  graph.output('codes', toNumbers(graph, addInputs(graph, known), { columns: known, origin }), 'float64', ['N', 'F']);
  const session = await ort.InferenceSession.create(Buffer.concat([...graph.toModel()]), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const { codes } = await session.run(feeds);
  return [...Object(codes?.data)];
};

const doubles = (...values: readonly number[]) => new ort.Tensor('float64', values, [values.length, 1]);

describe('columns of a booster', () => {
  it('have an input each when some are texts; categories become codes, and unknown ones NaN', async () => {
    const feeds = {
      size: doubles(0.5, -1, Number.NaN),
      colour: new ort.Tensor('string', ['grün', 'blue', 'red'], [3, 1]),
      year: doubles(2024, 2000, Number.NaN),
    };
    expect(await run(feeds, columns)).toEqual([0.5, 1, 1, -1, Number.NaN, Number.NaN, Number.NaN, 0, Number.NaN]);
  });

  it('share one input when all are numbers', async () => {
    const known = columns.filter(({ name }) => name !== 'colour');
    const feeds = { X: new ort.Tensor('float64', [7, 1999, 8, 2024], [2, 2]) };
    expect(await run(feeds, known)).toEqual([7, 0, 8, 1]);
  });

  it('are refused by number and by type', () => {
    const graph = createGraph();
    const value = graph.input('X', 'float64', ['N', 3]);
    const numbers = { value, width: 3, dtype: 'float64' } as const;
    expect(() => toNumbers(graph, [{ ...numbers, width: 2 }], { columns, origin })).toThrow(
      'XGBoost 3.2.0: the model has 3 columns, and gets 2',
    );
    expect(() => toNumbers(graph, [numbers], { columns, origin })).toThrow(
      'column "colour" holds numbers, and the model knows texts',
    );
    const texts = { value, width: 1, dtype: 'string' } as const;
    expect(() => toNumbers(graph, [texts], { columns: [{ name: 'size' }], origin })).toThrow(
      'column "size" holds texts, and the model knows numbers',
    );
  });
});
