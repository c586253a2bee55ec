import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import type { Outline } from '../../../../src/formats/imported-model.ts';
import { importKeras } from '../../../../src/formats/keras/import-keras.ts';
import { readZip } from '../../../../src/formats/zip.ts';
import { readJson } from '../../../support/image-parity.ts';
import { KERAS_FIXTURES, measureKerasFile, readKerasFile, runModel } from '../../../support/parity/keras.ts';
import { isOverBar } from '../../../support/parity/parity-row.ts';
import { zipOf } from '../../../support/zip-assembler.ts';

const importFixture = async (path: string) => importKeras(await readKerasFile(path));

/** A file of the fixtures with another text in its settings. */
const replaceIn = async (path: string, from: string, to: string) =>
  zipOf(
    [...readZip(await readKerasFile(path))].map(([name, read]) => {
      const text = Buffer.from(read()).toString('latin1');
      return { name, content: Buffer.from(text.replace(from, to), 'latin1') };
    }),
  );

const linesOf = ({ text, parts = [] }: Outline): string[] => [
  text,
  ...parts.flatMap(linesOf).map((line) => `  ${line}`),
];

const sessionOf = async (path: string) => {
  const { onnx } = await importFixture(path);
  return ort.InferenceSession.create(Buffer.concat([...onnx]), { logSeverityLevel: 3, intraOpNumThreads: 1 });
};

describe('a model of Keras', () => {
  it('is outlined by its layers, with shapes, parameters and calls', async () => {
    const { outline, origin, config, notes } = await importFixture('keras-3/nested.keras');
    expect(origin).toBe('Keras 3.15.1');
    expect([config, notes]).toEqual([{}, []]);
    expect(linesOf(outline)).toEqual(
      expect.arrayContaining([
        '  tower (Functional): [N,4]; 128 parameters; shared by 2 calls',
        '    conv (Conv2D): [N,6,6,4]; 112 parameters; shared by 2 calls',
        '  time_distributed (TimeDistributed): [N,5,18]; 56 parameters',
      ]),
    );
  });

  it('stores the weights of a shared layer once', async () => {
    const { onnx } = await importFixture('keras-3/nested.h5');
    const kernels = onnx.filter(({ byteLength }) => byteLength === 3 * 3 * 3 * 4 * 4);
    expect(kernels).toHaveLength(1);
  });

  it.each(['keras-2/table.h5', 'keras-3/table.keras'])('%s: names and types are those of its layers', async (path) => {
    const { inputMetadata, inputNames, outputNames } = await sessionOf(path);
    expect(outputNames).toEqual(['class', 'value']);
    expect(inputNames[0]).toBe('numbers');
    expect(inputMetadata.map((each) => each.isTensor && [each.type, each.shape])).toEqual([
      ['float32', ['N', 5]],
      ['int32', ['N', 1]],
      ['int32', ['N', 3]],
    ]);
  });

  it('keeps the channels of its images last', async () => {
    const { inputMetadata } = await sessionOf('keras-3/convolutions-2d.keras');
    expect(inputMetadata[0]).toMatchObject({ type: 'float32', shape: ['N', 9, 8, 3] });
  });

  it('says which types of float the graph does not keep', async () => {
    const { notes } = await importFixture('keras-3/policies.keras');
    expect(notes).toEqual(
      ['mixed_float16', 'float64', 'float16', 'mixed_bfloat16'].map(
        (type) => `The model computes with ${type}; the graph computes with float32.`,
      ),
    );
  });

  it.each([
    ['keras-2', 'segmentation.keras', 'softmax of a convolution is along the channels'],
    ['keras-2', 'stacked-cells.keras', 'cells of a stack go through the steps one after the other'],
    ['keras-3', 'adaptive.keras', 'the windows of adaptive pooling overlap'],
    ['keras-3', 'grouped-attention.keras', 'the file has another name of the class than its weights'],
  ])('%s/%s answers as Keras does: %s', async (version, file) => {
    const row = await measureKerasFile(join(KERAS_FIXTURES, version), file);
    expect(row.inputs).toBe(1000);
    expect(isOverBar(row) && row).toBe(false);
  });

  it('looks words and numbers up as Keras does, from vocabularies in its settings and beside its weights', async () => {
    const reference = Object(await readJson(`${KERAS_FIXTURES}/keras-2/words-reference.json`));
    const texts: string[] = reference.texts.flat();
    const numbers = BigInt64Array.from(reference.numbers, BigInt);
    const outputs = await runModel(await importFixture('keras-2/words.keras'), [
      new ort.Tensor('string', texts, [texts.length / 2, 2]),
      new ort.Tensor('int64', numbers, [numbers.length, 1]),
    ]);
    const values = outputs.map(({ data }) =>
      [...Object(data)].map((each) => (typeof each === 'bigint' ? Number(each) : each)),
    );
    expect(values).toEqual(reference.outputs);
  });
});

describe('a file that is no model of known layers', () => {
  const PRODUCT = '{"b": ["tf.compat.v1.transpose", 0, 0]';
  const UPPER = '"clip_value_max": 0.5';
  it.each([
    [PRODUCT, `${PRODUCT}, "transpose_a": true`, /its inputs \[4\] and \[6\] do not fit together/],
    ['"clip_by_value"', '"einsum"', /Keras 2 saves the equation of tf.einsum, and not its tensors/],
    [UPPER, '"clip_value_max": [0.5]', /a clip by a tensor or a list cannot be converted/],
    [UPPER, '"clip_value_max": ["input_1", 0, 0]', /a clip by a tensor or a list cannot be converted/],
  ])(
    'is refused when an operation has another argument than the graph can have: %s → %s',
    async (from, to, problem) => {
      await expect(importKeras(await replaceIn('keras-2/operations.keras', from, to))).rejects.toThrow(problem);
    },
  );

  it('is refused when Keras 2 rounds the weights of its bicubic interpolation', async () => {
    const model = await replaceIn('keras-2/images.keras', '"size": [2, 4]', '"size": [2, 3]');
    await expect(importKeras(model)).rejects.toThrow('Keras 2 rounds the weights of bicubic');
  });

  it.each([
    ['keras-2/lambda.h5', 'layer "twice" (Lambda, Keras 2.15.0): it holds compiled Python code'],
    ['keras-3/lambda.keras', 'layer "twice" (Lambda, Keras 3.15.1): it holds compiled Python code'],
    ['keras-2/custom.keras', 'layer "scale" (Scale, Keras 2.15.0): class Scale is not one of Keras'],
    ['keras-3/custom.keras', 'layer "scale" (Scale, Keras 3.15.1): class Scale is not one of Keras'],
    ['keras-3/stateful.keras', 'layer "gru" (GRU, Keras 3.15.1): it keeps its state between calls'],
    ['keras-2/subclass.keras', '(Twice, Keras 2.15.0): it is no Functional, Model, Sequential of Keras'],
    ['keras-2/weights-only.h5', 'model.load_weights("model.weights.h5")\n  model.save("model.keras")'],
    ['keras-3/weights-only.h5', 'save the whole model in Python'],
  ])('%s is refused: %s', async (path, problem) => {
    await expect(importFixture(path)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(problem),
    });
  });
});
