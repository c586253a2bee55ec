import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRandom } from '../../src/core/random.ts';
import { createGraph, singles } from '../../src/onnx/graph-builder.ts';
import { type Optimising, openOptimising, pathsOf } from '../support/optimising.ts';
import { findNamed } from '../support/serving.ts';
import { writeExternal } from '../support/write-external.ts';

let own: Optimising;
beforeAll(async () => {
  own = await openOptimising();
});
afterAll(() => own.close());

const tensorRequest = (name: string, shape: readonly number[], random: () => number) => ({
  inputs: [
    {
      ...{ name, datatype: 'FP32', shape },
      data: Array.from({ length: shape.reduce((product, size) => product * size, 1) }, random),
    },
  ],
});

const closeTo = (values: readonly number[]): unknown => values.map((value) => expect.closeTo(value, 1));

describe('a model is optimised and served', () => {
  it('whose encoder and decoder share a file of weights', async () => {
    const folder = join(own.root, 'marian');
    await cp(findNamed('tiny-marian'), folder, { recursive: true });
    const graphs = ['encoder_model.onnx', 'decoder_model_merged.onnx'];
    const moved = graphs.map((graph) => [join(findNamed('tiny-marian'), graph), join(folder, graph)] as const);
    await writeExternal(moved, [join(folder, 'weights.bin')]);
    const data = await own.jsonLines('marian', [{ inputs: 'One sentence.', parameters: { max_new_tokens: 4 } }]);

    const bundle = await own.optimise(folder, 'marian', data, 'float16-weights');

    expect(pathsOf(bundle)).toEqual(expect.arrayContaining(graphs.flatMap((graph) => [graph, `${graph}.data`])));
    expect(pathsOf(bundle)).not.toContain('weights.bin');
    const [first, second] = await own.askBoth('marian', '/models/marian', '{"inputs":"One sentence."}');
    expect(second).toEqual(first);
  });

  it('whose graph is baked at push, before and after', async () => {
    const folder = join(own.root, 'product');
    const random = createRandom(7);
    const size = 1100; // above the size from which push bakes, also in 8 bits
    const weights = (): Float32Array => Float32Array.from({ length: size * size }, () => (random() - 0.5) / 8);
    const graph = createGraph();
    let value = graph.input('x', 'float32', ['n', size]);
    for (const each of [weights(), weights()])
      value = graph.op('Tanh', [graph.op('MatMul', [value, graph.constant(singles([size, size], each))])]);
    graph.output('y', value, 'float32', ['n', size]);
    const plain = join(own.root, 'plain.onnx');
    await writeFile(plain, graph.toModel());
    await cp('test/fixtures/models/external-data', folder, { recursive: true });
    await writeExternal([[plain, join(folder, 'model.onnx')]], [join(folder, 'a.bin'), join(folder, 'b.bin')]);
    const requests = [1, 2, 3].map(() => tensorRequest('x', [1, size], random));
    const data = await own.jsonLines('product', requests);

    const bundle = await own.optimise(folder, 'product', data, 'int8-dynamic');

    expect((await own.repository.bundle('product', 1)).graphs.model?.baked).toMatchObject({ from: 'model.onnx' });
    expect(bundle.graphs.model).toMatchObject({
      externalData: ['baked/model.onnx.data'],
      baked: { from: 'model.onnx' },
    });
    expect(pathsOf(bundle)).toEqual(expect.arrayContaining(['model.onnx', 'model.onnx.data', 'baked/model.onnx']));
    expect(pathsOf(bundle)).not.toContain('a.bin');
    const [first, second] = await own.askBoth('product', '/v2/models/product/infer', JSON.stringify(requests[0]));
    expect(second).toMatchObject({ outputs: [{ data: closeTo(Object(first).outputs[0].data) }] });
  });

  it('that was imported', async () => {
    const keras = join(own.root, 'transfer.keras');
    await writeFile(keras, gunzipSync(await readFile('test/fixtures/formats/keras/keras-3/transfer.keras.gz')));
    const random = createRandom(13);
    const requests = [1, 2, 3].map(() => tensorRequest('input_layer_1', [1, 32, 32, 3], random));
    const data = await own.jsonLines('imported', requests);

    await own.optimise(keras, 'imported', data, 'float16-weights');

    const [first, second] = await own.askBoth('imported', '/v2/models/imported/infer', JSON.stringify(requests[0]));
    expect(second).toMatchObject({ outputs: [{ data: closeTo(Object(first).outputs[0].data) }] });
  });
});
