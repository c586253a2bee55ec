import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { importKeras } from '../../../../src/formats/keras/import-keras.ts';
import { openGraph } from '../../../support/formats/sklearn-graph.ts';

const FOLDER = 'test/fixtures/formats/keras/keras-2.13';

it('reads the weights of Keras 2.13, which numbers layers with weights otherwise than later versions', async () => {
  const expected: { readonly rows: number[][]; readonly answers: number[][] } = JSON.parse(
    await readFile(`${FOLDER}/groups.json`, 'utf8'),
  );
  const { onnx } = await importKeras(gunzipSync(await readFile(`${FOLDER}/groups.keras.gz`)));
  const session = await openGraph(Buffer.concat([...onnx]));
  const [input = '', output = ''] = [...session.inputNames, ...session.outputNames];
  const x = new ort.Tensor('float32', Float32Array.from(expected.rows.flat()), [expected.rows.length, 4]);
  const outputs = await session.run({ [input]: x });
  await session.release();
  const answers = [...Object(outputs[output]?.data)].map(Number);
  expect(answers).toHaveLength(expected.answers.flat().length);
  const differences = expected.answers.flat().map((value, index) => Math.abs(value - (answers[index] ?? 9)));
  expect(Math.max(...differences)).toBeLessThan(1e-6);
});

it('says that Keras 2 leaves out the bins that adapt has found', async () => {
  const bytes = await readFile(`${FOLDER}/adapted-bins.h5`);
  await expect(importKeras(bytes)).rejects.toThrow(/Discretization, Keras 2.13.1.*bin_boundaries.*Keras 2 leaves out/);
});
