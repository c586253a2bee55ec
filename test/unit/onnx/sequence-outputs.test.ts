import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { fromParts, toParts } from '../../../src/onnx/edit-model.ts';
import { type OnnxModel, parseOnnxModel, parsing } from '../../../src/onnx/onnx-model.ts';
import { findTargetClasses, withoutSequences } from '../../../src/onnx/sequence-outputs.ts';

const read = (name: string): Promise<Buffer> => readFile(`test/fixtures/classifiers/${name}/model.onnx`);
const parse = async (name: string) => parseOnnxModel(await read(name));

describe('a graph with a list of tensors', () => {
  it('gives each tensor as an output of its own', async () => {
    const model = await parse('targets-of-texts');
    const content = fromParts(model, withoutSequences(toParts(model)));
    const session = await ort.InferenceSession.create(Buffer.concat([...content]));
    expect(session.outputNames).toEqual(['label', 'probabilities_0', 'probabilities_1']);
    const outputs = await session.run({ X: new ort.Tensor('float32', new Float32Array(8), [2, 4]) });
    expect(outputs.probabilities_0?.dims).toEqual([2, 2]);
    expect(outputs.probabilities_1?.dims).toEqual([2, 4]);
    await session.release();
  });

  it('has the classes of each target', async () => {
    expect(findTargetClasses(await parse('targets-of-texts'))).toEqual([
      ['no', 'yes'],
      ['a', 'b', 'c', 'd'],
    ]);
  });

  it('is refused when it is damaged', async () => {
    const model = parseOnnxModel(await read('targets-of-texts'));
    const damaged = model.fields.map((field) =>
      field.isVarint ? field : { ...field, value: field.value.subarray(0, -3) },
    );
    const damagedModel: OnnxModel = { ...model, fields: damaged };
    expect(() => parsing(() => withoutSequences(toParts(damagedModel)))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID' }),
    );
  });
});

it.each(['linear-svc', 'forest-of-targets', 'k-means'])('the graph of %s has no list', async (name) => {
  const model = await parse(name);
  const parts = toParts(model);
  expect(withoutSequences(parts)).toBe(parts);
  expect(findTargetClasses(model)).toBeUndefined();
});
