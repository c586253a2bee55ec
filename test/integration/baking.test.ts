import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { bake } from '../../src/authoring/bake.ts';
import { pushModel } from '../../src/authoring/push-model.ts';
import { largestDifference, type RecordedRun, recordRuns } from '../../src/authoring/recorded-runs.ts';
import { LAMBDA_MB_PER_VCPU } from '../../src/core/aws-limits.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { openGraph } from '../../src/engine/open-graphs.ts';
import { WIDTH, writeMatmulModel } from '../bench/matmul-model.ts';
import { createTestServing, SAMPLE_FOLDER, type TestServing } from '../support/serving.ts';

const MB = 1024 * 1024;

let folder: string;
let model: string;
let serving: TestServing;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baking-'));
  model = join(folder, 'matmul.onnx');
  await writeMatmulModel(model, 3 * MB);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  serving = await createTestServing();
});
afterEach(() => serving.remove());

const infer = async (name: string): Promise<unknown> => {
  const data = Array.from({ length: WIDTH }, (_, index) => Math.sin(index));
  const inputs = [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data }];
  const response = await serving.fetch(`/v2/models/${name}/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  });
  return ((await response.json()) as { outputs: unknown }).outputs;
};

const cached = async (): Promise<string[]> => {
  const found = await readdir(serving.modelDirectory, { recursive: true, withFileTypes: true });
  return found.flatMap((file) => (file.isFile() ? [file.name] : [])).sort();
};

describe('a pushed model', () => {
  it('a pushed model is baked: functions load another file with the same outputs, and the original stays in the version', async () => {
    await pushModel(serving.repository, model, { name: 'baked' });
    await pushModel(serving.repository, model, { name: 'plain', bake: false });

    const { graphs, files } = await serving.repository.bundle('baked', 1);
    expect(graphs.model).toMatchObject({
      file: 'baked/model.onnx',
      externalData: ['baked/model.onnx.data'],
      baked: { from: 'matmul.onnx', runs: 1, maxDifference: 0, runtime: expect.stringMatching(/^\d+\.\d+/) },
    });
    expect(files.map(({ path }) => path)).toEqual(['matmul.onnx', 'baked/model.onnx', 'baked/model.onnx.data']);
    expect(await infer('baked')).toEqual(await infer('plain'));
    expect(await cached()).toEqual(['matmul.onnx', 'model.onnx', 'model.onnx.data']); // the first of them is plain's
  });

  it('a model that is pushed without baking stays as it is', async () => {
    await pushModel(serving.repository, model, { name: 'plain', bake: false });
    const { graphs, files } = await serving.repository.bundle('plain', 1);
    expect(graphs.model).toMatchObject({ file: 'matmul.onnx', externalData: [] });
    expect(graphs.model).not.toHaveProperty('baked');
    expect(files).toHaveLength(1);
  });

  it('a push names each of its steps as it begins', async () => {
    const steps: string[] = [];
    await pushModel(serving.repository, model, { name: 'steps', onStep: (step) => steps.push(step) });
    expect(steps).toEqual(['its hashes', 'its load', 'its trial run', 'its baking']);
  });

  it('a small model is not baked', async () => {
    const { notes } = await pushModel(serving.repository, 'test/fixtures/models/add.onnx', { name: 'add' });
    expect((await serving.repository.bundle('add', 1)).graphs.model).not.toHaveProperty('baked');
    expect(notes).toEqual([]);
  });

  it('a model that baking would enlarge is not baked, and push says so: weights in half precision', async () => {
    const { notes } = await pushModel(serving.repository, SAMPLE_FOLDER, { name: 'lite0' });
    expect((await serving.repository.bundle('lite0', 1)).graphs.model).not.toHaveProperty('baked');
    expect(notes).toEqual([expect.stringContaining('folding its constants')]);
  });
});

describe('a graph whose outputs would change', () => {
  const describeGraph = async () => {
    const { session, createMs } = await openGraph(model, LAMBDA_MB_PER_VCPU);
    const feeds = { x: { dtype: 'float32', shape: [1, WIDTH], data: new Float32Array(WIDTH).fill(0.5) } } as const;
    const outputs = await session.run(feeds);
    await session.release();
    const signature = structuredClone(session.signature) as never;
    return { graph: { file: 'matmul.onnx', externalData: [], signature, createMs }, run: { feeds, outputs } };
  };

  it('a graph whose outputs would change stays as it is, and push says so', async () => {
    const { graph, run } = await describeGraph();
    const y = run.outputs.y as Tensor<'float32'>;
    const shifted = { y: { ...y, data: y.data.map((value) => value + 0.001) } };
    const runs: RecordedRun[] = [{ feeds: run.feeds, outputNames: undefined, outputs: shifted }];

    const refused = await bake('model', graph, runs, (path) => join(folder, path), join(folder, 'scratch'));

    expect(refused).toEqual({ reason: expect.stringMatching(/outputs would differ by 0\.(0009|001)/) });
  });
});

describe('a merged decoder', () => {
  it('a merged decoder stays as it is: onnxruntime does not load the file that it writes', async () => {
    const decoder = 'test/fixtures/models/tiny-marian/decoder_model_merged.onnx';
    const { session } = await openGraph(decoder, LAMBDA_MB_PER_VCPU);
    await session.release();
    const signature = structuredClone(session.signature) as never;
    const graph = { file: 'decoder.onnx', externalData: [], signature, createMs: 1 };
    const runs: RecordedRun[] = [{ feeds: {}, outputNames: undefined, outputs: {} }];

    const refused = await bake('decoder', graph, runs, () => decoder, join(folder, 'merged'), { leastBytes: 0 });

    expect(refused).toEqual({ reason: expect.stringMatching(/^onnxruntime does not load what it writes of it/) });
  });
});

describe('a recorded run', () => {
  it('a recorded run keeps its inputs and outputs when the caller changes them afterwards', async () => {
    const tensor = (value: number) => ({ dtype: 'float32' as const, shape: [1], data: Float32Array.of(value) });
    const [x, y] = [tensor(1), tensor(2)];
    const runs: RecordedRun[] = [];
    const session = recordRuns(
      { signature: { inputs: [], outputs: [] }, run: async () => ({ y }), release: async () => {} },
      runs,
    );

    await session.run({ x });
    x.data[0] = 7;
    y.data[0] = 7;

    expect(runs).toEqual([{ feeds: { x: tensor(1) }, outputNames: undefined, outputs: { y: tensor(2) } }]);
  });
});

describe('the difference of outputs', () => {
  const floats = (...values: number[]): Tensor => ({
    dtype: 'float32',
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const integers = (...values: bigint[]): Tensor => ({
    dtype: 'int64',
    shape: [values.length],
    data: BigInt64Array.from(values),
  });

  it.each([
    ['equal ones', floats(1, Number.NaN, Number.POSITIVE_INFINITY), floats(1, Number.NaN, Number.POSITIVE_INFINITY), 0],
    ['small ones, absolutely', floats(0.5), floats(0.25), 0.25],
    ['large ones, relatively', floats(100), floats(75), 0.25],
    ['what is no number any more', floats(1), floats(Number.NaN), Number.POSITIVE_INFINITY],
    ['integers', integers(1n), integers(2n), Number.POSITIVE_INFINITY],
    ['other shapes', floats(1), floats(1, 1), Number.POSITIVE_INFINITY],
    ['other types', floats(1), integers(1n), Number.POSITIVE_INFINITY],
  ])('the difference of outputs counts %s', (_what, expected, actual, difference) => {
    expect(largestDifference({ y: expected }, { y: actual })).toBe(difference);
  });

  it('the difference of outputs is infinite when one is missing', () => {
    expect(largestDifference({ y: floats(1) }, {})).toBe(Number.POSITIVE_INFINITY);
  });
});
