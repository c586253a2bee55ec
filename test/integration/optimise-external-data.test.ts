import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { optimiseModel } from '../../src/optimise/optimise-model.ts';
import { type Optimising, openOptimising, pathsOf } from '../support/optimising.ts';
import { findNamed } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';
import { writeExternal } from '../support/write-external.ts';

let own: Optimising;
beforeAll(async () => {
  own = await openOptimising();
});
afterAll(() => own.close());

it('a model whose weights lie in several files is optimised and served', async () => {
  const folder = join(own.root, 'sentiment');
  await cp(findNamed('sentiment'), folder, { recursive: true });
  const files = ['first.bin', 'second.bin', 'third.bin'].map((file) => join(folder, file));
  await writeExternal([[join(findNamed('sentiment'), 'model.onnx'), join(folder, 'model.onnx')]], files);

  const data = await own.jsonLines('sentiment', [{ text: 'A good film.' }, { text: 'A bad film.' }]);

  const bundle = await own.optimise(folder, 'sentiment', data, 'int8-dynamic');

  expect(bundle.graphs.model).toMatchObject({ file: 'model.onnx', externalData: ['model.onnx.data'] });
  expect(pathsOf(bundle)).not.toContain('first.bin');
  const [first, second] = await own.askBoth('sentiment', '/models/sentiment', '{"inputs":"A good film."}');
  expect(first).toMatchObject([[{ label: 'POSITIVE', score: expect.closeTo(0.97, 1) }, {}]]);
  expect(second).toMatchObject([[{ label: 'POSITIVE', score: expect.closeTo(0.97, 1) }, {}]]);
});

it('a graph with branches in which a method finds nothing is not tried', async () => {
  const request = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 1, 1] }] };
  const data = await own.jsonLines('branches', [request]);
  await pushModel(own.repository, findNamed('external-data'), { name: 'branches' });

  const { report } = await optimiseModel(own.repository, await own.repository.bundle('branches', 1), {
    ...{ data, methods: ['structure', 'float16-weights', 'int8-dynamic'], maxLoss: 1, dryRun: true, onStep: () => {} },
  });

  const nothing = { outcome: 'fails', reason: 'it finds nothing to change in the graph' };
  expect(report.attempts).toMatchObject([nothing, nothing, nothing]);
});
