import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { readJson } from '../support/image-parity.ts';
import { type GraphTensor, toOnnxFile } from '../support/onnx-graph.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

interface Detection {
  readonly score: number;
  readonly label: string;
  readonly box: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number };
}

let serving: TestServing;
let folder: string;

beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'yolo-'));
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const post = (name: string, inputs: unknown, parameters: object = {}): Promise<Response> =>
  serving.fetch(`/models/${name}`, {
    method: 'POST',
    body: JSON.stringify({ inputs, parameters }),
    headers: { 'content-type': 'application/json' },
  });
const answer = async <T = Detection[]>(name: string, inputs: unknown, parameters: object = {}): Promise<T> => {
  const response = await post(name, inputs, parameters);
  const body = await response.text();
  expect([response.status, response.status === 200 ? '' : body]).toEqual([200, '']);
  return JSON.parse(body) as T;
};

/** Made by test/reference/finished_yolo.py. */
const { threshold, found } = (await readJson('test/fixtures/reference/object-detection/finished-yolo.json')) as {
  threshold: number;
  found: Record<string, readonly (readonly [string, number, readonly [number, number, number, number]])[]>;
};

describe('a YOLO with finished boxes', () => {
  it.each(Object.keys(found))('%s is served from its file alone, and answers as Ultralytics', async (model) => {
    const pushed = await pushModel(serving.repository, `test/fixtures/yolo/${model}.onnx`, { name: model });
    const scene = (await readFile('test/fixtures/yolo/scene.png')).toString('base64');

    const detections = await answer(model, scene, { threshold });

    expect(pushed.task).toBe('object-detection');
    expect(detections.length).toBeGreaterThan(10);
    expect(detections).toEqual(
      found[model]?.map(([label, score, [xmin, ymin, xmax, ymax]]) => ({
        label,
        score: expect.closeTo(score, 4),
        box: { xmin, ymin, xmax, ymax },
      })),
    );
    const byDefault = await answer(model, scene);
    expect(byDefault.length).toBeGreaterThanOrEqual(detections.length);
    expect(byDefault.every(({ score }) => score > 0.25)).toBe(true);
  });

  it('has no overlap to choose', async () => {
    const refused = await post('yolo26', (await readFile('test/fixtures/yolo/scene.png')).toString('base64'), {
      iou: 0.5,
    });

    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('"iou\\" is unknown')]);
  });
});

const SIDE = 8;

/** A graph whose outputs are fixed, but that each number of `values` grows by the mean of the images. */
const writeModel = async (
  outputs: readonly {
    readonly shape: readonly (number | string)[];
    readonly values: readonly number[];
    readonly sizes: readonly number[];
  }[],
  labels: readonly string[],
): Promise<string> => {
  const directory = await mkdtemp(join(folder, 'model-'));
  const weights = outputs.map(({ values, sizes }, index): GraphTensor => {
    return { name: `values${index}`, dtype: 'float32', shape: sizes, data: Float32Array.from(values) };
  });
  const graph = toOnnxFile({
    inputs: [{ name: 'images', dtype: 'float32', shape: ['n', 3, SIDE, SIDE] }],
    outputs: outputs.map(({ shape }, index) => ({ name: `output${index}`, dtype: 'float32' as const, shape })),
    nodes: [
      { operator: 'ReduceMean', inputs: ['images'], outputs: ['mean'], attributes: { keepdims: 0 } },
      { operator: 'Floor', inputs: ['mean'], outputs: ['zero'] },
      ...outputs.map((_, index) => ({
        operator: 'Add',
        inputs: [`values${index}`, 'zero'],
        outputs: [`output${index}`],
      })),
    ],
    weights,
  });
  await writeFile(join(directory, 'model.onnx'), graph);
  await writeFile(join(directory, 'config.json'), JSON.stringify({ id2label: labels }));
  const size = { height: SIDE, width: SIDE };
  const preprocessing = { image_processor_type: 'LetterBoxImageProcessor', size };
  await writeFile(join(directory, 'preprocessor_config.json'), JSON.stringify(preprocessing));
  return directory;
};

const push = (directory: string, name: string, maxBatch = 8) =>
  pushModel(serving.repository, directory, { name, task: 'object-detection', maxBatch });

const grey = async (width: number, height: number): Promise<string> =>
  (
    await sharp({ create: { width, height, channels: 3, background: '#404040' } })
      .png()
      .toBuffer()
  ).toString('base64');

const LABELS = ['cat', 'dog'];

describe('boxes behind the number of their image', () => {
  it.each([
    ['label and score, as YOLOv7', [0, 1, 2, 5, 6, 1, 0.75, 0, 0, 2, 8, 6, 0, 0.5]],
    ['score and label, as YOLO-NAS', [0, 1, 2, 5, 6, 0.75, 1, 0, 0, 2, 8, 6, 0.5, 0]],
  ])('are read with %s, for each image alone', async (what, values) => {
    const name = what.slice(0, 5);
    await push(await writeModel([{ shape: ['k', 7], values, sizes: [2, 7] }], LABELS), name);

    const images = [await grey(16, 8), await grey(8, 8)];
    const [wide, square] = await answer<Detection[][]>(name, images);

    expect(square).toEqual([
      { score: 0.75, label: 'dog', box: { xmin: 1, ymin: 2, xmax: 5, ymax: 6 } },
      { score: 0.5, label: 'cat', box: { xmin: 0, ymin: 2, xmax: 8, ymax: 6 } },
    ]);
    expect(wide).toEqual([
      { score: 0.75, label: 'dog', box: { xmin: 2, ymin: 0, xmax: 10, ymax: 8 } },
      { score: 0.5, label: 'cat', box: { xmin: 0, ymin: 0, xmax: 16, ymax: 8 } },
    ]);
  });

  it('may be none', async () => {
    await push(await writeModel([{ shape: ['k', 7], values: [], sizes: [0, 7] }], LABELS), 'none');

    expect(await answer('none', await grey(8, 8))).toEqual([]);
  });
});

/** A graph with the four outputs of a YOLO-NAS that counts its boxes: `count` of the two that it has room for. */
const writeCounted = async (count: number, classes: readonly number[]): Promise<string> => {
  const directory = await writeModel([], LABELS);
  const integers = (name: string, sizes: number[], values: readonly number[]): GraphTensor => ({
    ...{ name, dtype: 'int64', shape: sizes, data: BigInt64Array.from(values, BigInt) },
  });
  const floats = (name: string, sizes: number[], values: readonly number[]): GraphTensor => ({
    ...{ name, dtype: 'float32', shape: sizes, data: Float32Array.from(values) },
  });
  const weights = [
    integers('num', [1, 1], [count]),
    floats('corners', [1, 2, 4], [1, 2, 5, 6, 0, 2, 8, 6]),
    floats('score', [1, 2], [0.75, 0.5]),
    integers('class', [1, 2], classes),
  ];
  const graph = toOnnxFile({
    inputs: [{ name: 'images', dtype: 'float32', shape: [1, 3, SIDE, SIDE] }],
    outputs: weights.map(({ name, dtype, shape }) => ({ name: `pred_${name}`, dtype, shape })),
    nodes: [
      { operator: 'ReduceMean', inputs: ['images'], outputs: ['mean'], attributes: { keepdims: 0 } },
      { operator: 'Floor', inputs: ['mean'], outputs: ['float32'] },
      { operator: 'Cast', inputs: ['mean'], outputs: ['int64'], attributes: { to: 7 } },
      ...weights.map(({ name, dtype }) => ({ operator: 'Add', inputs: [name, dtype], outputs: [`pred_${name}`] })),
    ],
    weights,
  });
  await writeFile(join(directory, 'model.onnx'), graph);
  return directory;
};

describe('boxes that the graph counts, as YOLO-NAS does', () => {
  it('are answered up to their number, and the padding is not', async () => {
    await push(await writeCounted(1, [1, -1]), 'counted', 1);
    await push(await writeCounted(2, [1, 0]), 'both', 1);
    const dog = { score: 0.75, label: 'dog', box: { xmin: 2, ymin: 0, xmax: 10, ymax: 8 } };

    expect(await answer('counted', await grey(16, 8))).toEqual([dog]);
    expect(await answer('both', [await grey(16, 8), await grey(8, 8)])).toEqual([
      [dog, { score: 0.5, label: 'cat', box: { xmin: 0, ymin: 0, xmax: 16, ymax: 8 } }],
      [
        { score: 0.75, label: 'dog', box: { xmin: 1, ymin: 2, xmax: 5, ymax: 6 } },
        { score: 0.5, label: 'cat', box: { xmin: 0, ymin: 2, xmax: 8, ymax: 6 } },
      ],
    ]);
    expect(await answer('both', await grey(16, 8), { threshold: 0.6 })).toEqual([dog]);
  });

  it.each<[string, number, number[], RegExp]>([
    ['more than there are', 3, [0, 0], /pred_num counts 3 boxes, expected 0 to the 2 of pred_score float32\[1,2\]/],
    ['fewer than none', -1, [0, 0], /counts -1 boxes/],
    ['of a class without a label', 1, [2, 0], /a box of class 2, and there are 2 labels/],
  ])('are refused when they are %s', async (_what, count, classes, message) => {
    await expect(push(await writeCounted(count, classes), 'refused', 1)).rejects.toMatchObject({
      ...{ code: 'MODEL_INVALID', message: expect.stringMatching(message) },
    });
  });
});

describe('push refuses', () => {
  const zeros = (...sizes: number[]) => ({
    shape: sizes,
    sizes,
    values: Array<number>(sizes.reduce((a, b) => a * b)).fill(0),
  });

  it.each<[string, RegExp, Parameters<typeof writeModel>[0], readonly string[]]>([
    [
      'a box of a class without a label',
      /a box of class 2, and there are 2 labels/,
      [{ shape: [1, 1, 6], sizes: [1, 1, 6], values: [0, 0, 1, 1, 0.1, 2] }],
      LABELS,
    ],
    [
      'a class that is no whole number',
      /a box of class 0.5,/,
      [{ shape: [1, 1, 6], sizes: [1, 1, 6], values: [0, 0, 1, 1, 0.1, 0.5] }],
      LABELS,
    ],
    [
      'masks',
      /a segmentation model does, whose masks are not served: export a model of the task detect, such as: yolo export/,
      [zeros(1, 38, 9), zeros(1, 32, 4, 4)],
      LABELS,
    ],
    ['masks of finished boxes', /a segmentation model does/, [zeros(1, 30, 38), zeros(1, 32, 4, 4)], LABELS],
    [
      'keypoints',
      /is not float32\[1,5,N\].*51 more, as a pose model has, 17 keypoints of 3 numbers: export a model/,
      [zeros(1, 56, 84)],
      ['person'],
    ],
    ['keypoints of finished boxes', /51 more, as a pose model has, 17 keypoints/, [zeros(1, 300, 57)], ['person']],
    ['an angle', /1 more, as a model of oriented boxes has, an angle/, [zeros(1, 7, 84)], LABELS],
    ['YOLOv5', /it is a YOLOv5/, [zeros(1, 84, 7)], LABELS],
    ['RT-DETR of Ultralytics', /it is an RT-DETR of Ultralytics/, [zeros(1, 300, 7)], ['a', 'b', 'c']],
    [
      'numbers of no known model',
      /is not float32\[1,6,N\], 4 sides of a box and a score for each of the 2 labels$/,
      [zeros(1, 11, 84)],
      LABELS,
    ],
  ])('%s', async (_what, message, outputs, labels) => {
    await expect(push(await writeModel(outputs, labels), 'refused')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
