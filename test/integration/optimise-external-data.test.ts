import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRandom } from '../../src/core/random.ts';
import { createGraph, singles } from '../../src/onnx/graph-builder.ts';
import type { MethodName } from '../../src/optimise/methods.ts';
import { optimiseModel } from '../../src/optimise/optimise-model.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { promote } from '../../src/repository/routing/rollout.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';
import { createTestServing, findNamed } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';
import { writeExternal } from '../support/write-external.ts';

let root: string;
let storage: EmbeddedStorage;
let store: UploadingStore;
let repository: ModelRepository<UploadingStore>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'optimise-external-data-'));
  storage = await startEmbeddedStorage();
  store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
  repository = createModelRepository(store);
});
afterAll(async () => {
  await storage.stop();
  await rm(root, { recursive: true });
});

const jsonLines = async (name: string, lines: readonly unknown[]): Promise<string> => {
  const file = join(root, `${name}.jsonl`);
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  return file;
};

/** Pushes a folder, optimises the version, and promotes the result. */
const optimise = async (path: string, name: string, data: string, method: MethodName): Promise<PublishedBundle> => {
  await pushModel(repository, path, { name });
  const { report, version } = await optimiseModel(repository, await repository.bundle(name, 1), {
    ...{ data, methods: [method], maxLoss: 1, dryRun: false, onStep: () => {} },
  });
  expect(report.attempts).toMatchObject([{ method, outcome: 'passes' }]);
  expect(version).toBe(2);
  return repository.bundle(name, 2);
};

/** The answer of the stable version, from a function that starts. */
const ask = async (
  path: string,
  body: string,
): Promise<{ readonly version: string | null; readonly json: unknown }> => {
  const serving = await createTestServing({ models: store });
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await serving.fetch(path, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
    return { version: response.headers.get('x-model-version'), json: await response.json() };
  } finally {
    await serving.remove();
  }
};

const pathsOf = ({ files }: PublishedBundle): string[] => files.map(({ path }) => path);

const promoteSecond = (name: string): Promise<unknown> =>
  changeRouting(repository, name, { by: 'a test', action: 'promote' }, promote(2));

/** Answers of both versions to one request. */
const askBoth = async (name: string, path: string, body: string): Promise<readonly [unknown, unknown]> => {
  const first = await ask(path, body);
  await promoteSecond(name);
  const second = await ask(path, body);
  expect([first.version, second.version]).toEqual(['1', '2']);
  return [first.json, second.json];
};

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
  it('whose weights lie in several files', async () => {
    const folder = join(root, 'sentiment');
    await cp(findNamed('sentiment'), folder, { recursive: true });
    const files = ['first.bin', 'second.bin', 'third.bin'].map((file) => join(folder, file));
    await writeExternal([[join(findNamed('sentiment'), 'model.onnx'), join(folder, 'model.onnx')]], files);

    const data = await jsonLines('sentiment', [{ text: 'A good film.' }, { text: 'A bad film.' }]);

    const bundle = await optimise(folder, 'sentiment', data, 'int8-dynamic');

    expect(bundle.graphs.model).toMatchObject({ file: 'model.onnx', externalData: ['model.onnx.data'] });
    expect(pathsOf(bundle)).not.toContain('first.bin');
    const [first, second] = await askBoth('sentiment', '/models/sentiment', '{"inputs":"A good film."}');
    expect(first).toMatchObject([[{ label: 'POSITIVE', score: expect.closeTo(0.97, 1) }, {}]]);
    expect(second).toMatchObject([[{ label: 'POSITIVE', score: expect.closeTo(0.97, 1) }, {}]]);
  });

  it('whose encoder and decoder share a file of weights', async () => {
    const folder = join(root, 'marian');
    await cp(findNamed('tiny-marian'), folder, { recursive: true });
    const graphs = ['encoder_model.onnx', 'decoder_model_merged.onnx'];
    const moved = graphs.map((graph) => [join(findNamed('tiny-marian'), graph), join(folder, graph)] as const);
    await writeExternal(moved, [join(folder, 'weights.bin')]);
    const data = await jsonLines('marian', [{ inputs: 'One sentence.', parameters: { max_new_tokens: 4 } }]);

    const bundle = await optimise(folder, 'marian', data, 'float16-weights');

    expect(pathsOf(bundle)).toEqual(expect.arrayContaining(graphs.flatMap((graph) => [graph, `${graph}.data`])));
    expect(pathsOf(bundle)).not.toContain('weights.bin');
    const [first, second] = await askBoth('marian', '/models/marian', '{"inputs":"One sentence."}');
    expect(second).toEqual(first);
  });

  it('whose graph is baked at push, before and after', async () => {
    const folder = join(root, 'product');
    const random = createRandom(7);
    const size = 1100; // above the size from which push bakes, also in 8 bits
    const weights = (): Float32Array => Float32Array.from({ length: size * size }, () => (random() - 0.5) / 8);
    const graph = createGraph();
    let value = graph.input('x', 'float32', ['n', size]);
    for (const each of [weights(), weights()])
      value = graph.op('Tanh', [graph.op('MatMul', [value, graph.constant(singles([size, size], each))])]);
    graph.output('y', value, 'float32', ['n', size]);
    const plain = join(root, 'plain.onnx');
    await writeFile(plain, graph.toModel());
    await cp('test/fixtures/models/external-data', folder, { recursive: true });
    await writeExternal([[plain, join(folder, 'model.onnx')]], [join(folder, 'a.bin'), join(folder, 'b.bin')]);
    const requests = [1, 2, 3].map(() => tensorRequest('x', [1, size], random));
    const data = await jsonLines('product', requests);

    const bundle = await optimise(folder, 'product', data, 'int8-dynamic');

    expect((await repository.bundle('product', 1)).graphs.model?.baked).toMatchObject({ from: 'model.onnx' });
    expect(bundle.graphs.model).toMatchObject({
      externalData: ['baked/model.onnx.data'],
      baked: { from: 'model.onnx' },
    });
    expect(pathsOf(bundle)).toEqual(expect.arrayContaining(['model.onnx', 'model.onnx.data', 'baked/model.onnx']));
    expect(pathsOf(bundle)).not.toContain('a.bin');
    const [first, second] = await askBoth('product', '/v2/models/product/infer', JSON.stringify(requests[0]));
    expect(second).toMatchObject({ outputs: [{ data: closeTo(Object(first).outputs[0].data) }] });
  });

  it('that was imported', async () => {
    const keras = join(root, 'transfer.keras');
    await writeFile(keras, gunzipSync(await readFile('test/fixtures/formats/keras/keras-3/transfer.keras.gz')));
    const random = createRandom(13);
    const requests = [1, 2, 3].map(() => tensorRequest('input_layer_1', [1, 32, 32, 3], random));
    const data = await jsonLines('imported', requests);

    await optimise(keras, 'imported', data, 'float16-weights');

    const [first, second] = await askBoth('imported', '/v2/models/imported/infer', JSON.stringify(requests[0]));
    expect(second).toMatchObject({ outputs: [{ data: closeTo(Object(first).outputs[0].data) }] });
  });
});

it('a graph with branches in which a method finds nothing is not tried', async () => {
  const request = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 1, 1] }] };
  const data = await jsonLines('branches', [request]);
  await pushModel(repository, findNamed('external-data'), { name: 'branches' });

  const { report } = await optimiseModel(repository, await repository.bundle('branches', 1), {
    ...{ data, methods: ['structure', 'float16-weights', 'int8-dynamic'], maxLoss: 1, dryRun: true, onStep: () => {} },
  });

  const nothing = { outcome: 'fails', reason: 'it finds nothing to change in the graph' };
  expect(report.attempts).toMatchObject([nothing, nothing, nothing]);
});
