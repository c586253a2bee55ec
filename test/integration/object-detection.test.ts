import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { readJson } from '../support/image-parity.ts';
import { createTestServing, findNamed, pushNamed, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const IMAGES = 'test/fixtures/images';
const MODELS = ['tiny-detr', 'tiny-detr-mask', 'tiny-yolos', 'tiny-rt-detr', 'tiny-yolo'];

interface Detection {
  readonly score: number;
  readonly label: string;
  readonly box: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number };
}

let serving: TestServing;
let folder: string;

beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'detection-'));
  for (const model of MODELS) await pushNamed(serving.repository, model);
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

const read = async (image: string): Promise<Buffer<ArrayBuffer>> => readFile(join(IMAGES, image));
const post = (path: string, body: Uint8Array<ArrayBuffer> | string, type = 'application/json') =>
  serving.fetch(`/models/${path}`, { method: 'POST', body, headers: { 'content-type': type } });
const postJson = (path: string, document: unknown) => post(path, JSON.stringify(document));
const answer = async <T = Detection[]>(response: Response | Promise<Response>): Promise<T> => {
  const { status } = await response;
  const body = await (await response).text();
  expect([status, status === 200 ? '' : body]).toEqual([200, '']);
  return JSON.parse(body) as T;
};
const refusal = async (response: Response | Promise<Response>) => {
  const { status } = await response;
  const { error } = (await (await response).json()) as { error: string };
  return { status, message: error };
};

describe('a picture', () => {
  it('is answered as the reference answers it, by a model that was pushed as Optimum exports it', async () => {
    const reference = (await readJson('test/fixtures/reference/object-detection/tiny-detr.json')) as {
      images: Record<string, { fromBytes: [string, number, [number, number, number, number]][] }>;
    };

    const found = await answer(post('tiny-detr?threshold=0.75', await read('grey-16bit.png'), 'image/png'));

    const expected = reference.images['grey-16bit.png']?.fromBytes ?? [];
    expect(expected.length).toBeGreaterThan(1);
    expect(found).toEqual(
      expected.map(([label, score, [xmin, ymin, xmax, ymax]]) => ({
        label,
        score: expect.closeTo(score, 4),
        box: { xmin, ymin, xmax, ymax },
      })),
    );
  });

  it.each(MODELS)('gets only what scores above the threshold from %s', async (model) => {
    const picture = (await read('odd-333x512.jpg')).toString('base64');
    const detect = (threshold?: number) =>
      answer(postJson(model, { inputs: picture, ...(threshold !== undefined && { parameters: { threshold } }) }));

    const [all, some, byDefault] = [await detect(0), await detect(0.95), await detect()];

    expect(all.length).toBeGreaterThan(some.length);
    expect(some).toEqual(all.filter(({ score }) => score > 0.95));
    expect(byDefault).toEqual(all.filter(({ score }) => score > (model === 'tiny-yolo' ? 0.25 : 0.9)));
  });

  it('of a phone is measured as it is seen, upright', async () => {
    const found = await answer(post('tiny-yolo?threshold=0', await read('orientation-6.jpg'), 'image/jpeg'));
    const [width, height] = [120, 80]; // stored as 80×120

    expect(Math.max(...found.map(({ box }) => box.xmax))).toBeGreaterThan(height);
    expect(Math.max(...found.map(({ box }) => box.xmax))).toBeLessThanOrEqual(width);
    expect(Math.max(...found.map(({ box }) => box.ymax))).toBeLessThanOrEqual(height);
    expect(Math.min(...found.flatMap(({ box }) => Object.values(box)))).toBeGreaterThanOrEqual(0);
  });

  it('of a line is answered where the reference fails', async () => {
    expect(await answer(post('tiny-yolos?threshold=0', await read('line-1x500.png'), 'image/png'))).toHaveLength(20);
    expect(await answer(post('tiny-detr?threshold=0', await read('line-1x500.png'), 'image/png'))).toHaveLength(20);
  });

  it('gets fewer boxes from YOLO, the less they may overlap', async () => {
    const picture = await read('odd-333x512.jpg');
    const detect = async (iou: number) =>
      (await answer(post(`tiny-yolo?threshold=0.01&iou=${iou}`, picture, 'image/jpeg'))).length;

    expect(await detect(1)).toBe(80);
    expect(await detect(0.5)).toBeLessThan(80);
    expect(await detect(0)).toBeLessThan(await detect(0.5));
  });
});

describe('a list of pictures', () => {
  const images = ['odd-333x512.jpg', 'small-75x50.png', 'orientation-6.jpg', 'small-75x50.png'];

  it.each(MODELS)('gets from %s a list of what each gets alone, in order, together or not', async (model) => {
    await pushModel(serving.repository, findNamed(model), { name: `${model}-batch`, maxBatch: 8 });
    const inputs = await Promise.all(images.map(async (image) => (await read(image)).toString('base64')));
    const parameters = { threshold: 0.5 };

    const together = await answer<Detection[][]>(postJson(`${model}-batch`, { inputs, parameters }));
    const lines = inputs.map((input) => JSON.stringify(input)).join('\n');
    const asLines = await answer<Detection[][]>(post(`${model}?threshold=0.5`, lines, 'application/jsonl'));

    expect(asLines).toEqual(together);
    for (const [index, input] of inputs.entries()) {
      const alone = await answer(postJson(model, { inputs: input, parameters }));
      expect(together[index]).toEqual(
        alone.map(({ score, ...place }) => ({ ...place, score: expect.closeTo(score, 4) })),
      );
    }
  });
});

describe('a request that is wrong', () => {
  const pixel = async () => (await read('pixel-1x1.png')).toString('base64');
  const blank = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'grey' } })
      .png()
      .toBuffer();

  it.each<[number, RegExp, string, () => Promise<unknown>]>([
    [
      413,
      /up to inputs\[4\] have 80000000 pixels, at most 64000000/,
      'tiny-yolo',
      async () => ({ inputs: Array(8).fill((await blank(4000, 4000)).toString('base64')) }),
    ],
    [
      400,
      /"threshold" is 2, expected a number from 0 to 1/,
      'tiny-detr',
      async () => ({ inputs: await pixel(), parameters: { threshold: 2 } }),
    ],
    [
      400,
      /"threshold" is "0.5", expected/,
      'tiny-detr',
      async () => ({ inputs: await pixel(), parameters: { threshold: '0.5' } }),
    ],
    [
      400,
      /"iou" is unknown, this task takes: threshold/,
      'tiny-detr',
      async () => ({ inputs: await pixel(), parameters: { iou: 0.5 } }),
    ],
    [400, /"iou" is -1/, 'tiny-yolo', async () => ({ inputs: await pixel(), parameters: { iou: -1 } })],
    [422, /empty list/, 'tiny-detr', async () => ({ inputs: [] })],
    [413, /33 images, at most 32/, 'tiny-detr', async () => ({ inputs: Array(33).fill(await pixel()) })],
    [400, /"inputs\[1\]" has to be an image/, 'tiny-detr', async () => ({ inputs: [await pixel(), 7] })],
    [400, /"inputs\[1\]" is no base64/, 'tiny-detr', async () => ({ inputs: [await pixel(), 'a picture!'] })],
    [
      422,
      /inputs\[2\]: received 6 bytes that are no image/,
      'tiny-yolo',
      async () => ({ inputs: [await pixel(), await pixel(), 'AAAAAAAA'] }),
    ],
    [
      415,
      /inputs\[0\]: received PDF/,
      'tiny-yolos',
      async () => ({ inputs: [Buffer.from('%PDF-1.7').toString('base64')] }),
    ],
  ])('is answered with %i and %s by %s', async (status, message, model, document) => {
    expect(await refusal(postJson(model, await document()))).toMatchObject({
      status,
      message: expect.stringMatching(message),
    });
  });
});

describe('other ways to a detector', () => {
  it('a stored object is read where it lies', async () => {
    await serving.data.write('uploads/tiny-detr/photo.jpg', await read('odd-333x512.jpg'));

    const found = await answer(
      postJson('tiny-detr', { inputs: { s3: 'uploads/tiny-detr/photo.jpg' }, parameters: { threshold: 0 } }),
    );

    expect(found).toHaveLength(20);
  });

  it('bare tensors go through the Open Inference Protocol', async () => {
    const inputs = [
      { name: 'pixel_values', datatype: 'FP32', shape: [1, 3, 32, 32], data: Array(3 * 32 * 32).fill(0.5) },
      { name: 'pixel_mask', datatype: 'INT64', shape: [1, 32, 32], data: Array(32 * 32).fill(1) },
    ];

    const { outputs } = await answer<{ outputs: { name: string; shape: number[] }[] }>(
      serving.fetch('/v2/models/tiny-detr-mask/infer', {
        method: 'POST',
        body: JSON.stringify({ inputs }),
        headers: { 'content-type': 'application/json' },
      }),
    );

    expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['logits', [1, 20, 7]],
      ['pred_boxes', [1, 20, 4]],
    ]);
  });
});

describe('push', () => {
  /** A copy of a fixture with some of its files changed. */
  const changed = async (model: string, files: Record<string, (content: Buffer) => Buffer | string>) => {
    const copy = await mkdtemp(join(folder, 'model-'));
    await cp(findNamed(model), copy, { recursive: true });
    for (const [file, change] of Object.entries(files)) {
      const content = await readFile(join(copy, file)).catch(() => Buffer.alloc(0));
      await writeFile(join(copy, file), change(content));
    }
    return copy;
  };
  const edit = (fields: Record<string, unknown>) => (content: Buffer) =>
    JSON.stringify({ ...(JSON.parse(content.toString()) as object), ...fields });
  const replace = (from: string, to: string) => (content: Buffer) =>
    Buffer.from(content.toString('latin1').replaceAll(from, to), 'latin1');
  const push = async (path: string, task?: string) =>
    pushModel(serving.repository, path, { name: 'pushed', ...(task !== undefined && { task }) });

  it('recognises a YOLO that Ultralytics exported by what it wrote into the graph, as a file or in a folder', async () => {
    const path = join(findNamed('tiny-yolo'), 'tiny-yolo.onnx');

    const pushed = await pushModel(serving.repository, path, { name: 'yolo' });

    expect(pushed).toMatchObject({ task: 'object-detection', reason: expect.stringContaining('Ultralytics') });
    expect(await answer(post('yolo?threshold=0', await read('rgb.png'), 'image/png'))).not.toHaveLength(0);
  });

  it('takes another YOLO with labels and preprocessing beside it, and answers the same', async () => {
    const copy = await changed('tiny-yolo', {
      'tiny-yolo.onnx': replace('Ultralytics', 'Somebody El'),
      'config.json': () => JSON.stringify({ id2label: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].entries()) }),
      'preprocessor_config.json': () =>
        JSON.stringify({ image_processor_type: 'LetterBoxImageProcessor', size: { height: 64, width: 64 } }),
    });

    expect(await push(copy, 'object-detection')).toMatchObject({ task: 'object-detection' });

    const picture = await read('rgb.png');
    const [own, theirs] = await Promise.all(
      ['pushed', 'tiny-yolo'].map((model) => answer(post(`${model}?threshold=0.5`, picture, 'image/png'))),
    );
    expect(own?.map(({ box, score }) => [box, score])).toEqual(theirs?.map(({ box, score }) => [box, score]));
  });

  it.each<[string, RegExp, string, Record<string, (content: Buffer) => Buffer | string>]>([
    [
      'labels of another model',
      /7\] are of 6 classes, "id2label" names 2/,
      'tiny-detr',
      { 'config.json': edit({ id2label: { 0: 'cat', 1: 'dog' } }) },
    ],
    [
      'the processor of another head',
      /are of 7 classes, "id2label" names 6/,
      'tiny-yolos',
      { 'preprocessor_config.json': edit({ image_processor_type: 'DeformableDetrImageProcessor' }) },
    ],
    [
      'no processor',
      /"image_processor_type".*expected DetrImageProcessor, YolosImageProcessor/,
      'tiny-detr',
      { 'preprocessor_config.json': edit({ image_processor_type: null }) },
    ],
    [
      "a classifier's processor",
      /"image_processor_type".*expected DetrImageProcessor/,
      'tiny-detr',
      { 'preprocessor_config.json': edit({ image_processor_type: 'ViTImageProcessor', size: 64 }) },
    ],
    [
      'outputs of other names',
      /gives logitz float32.*expected logits/,
      'tiny-rt-detr',
      { 'model.onnx': replace('logits', 'logitz') },
    ],
    [
      'an unlabelled class',
      /has no label for class 1/,
      'tiny-detr',
      { 'config.json': edit({ id2label: { 0: 'cat', 2: 'dog' } }) },
    ],
    [
      'YOLO for another task',
      /for the task segmen, served is detect: export a model of the task detect/,
      'tiny-yolo',
      {
        'tiny-yolo.onnx': replace('detect', 'segmen'),
        'config.json': () => '{"architectures": ["YoloForObjectDetection"]}',
      },
    ],
    [
      'YOLO with labels of another model',
      /output0 float32\[1,10,80\] is not float32\[1,5,N\]/,
      'tiny-yolo',
      { 'config.json': () => '{"id2label": {"0": "cat"}}' },
    ],
    [
      'YOLO of an unknown exporter',
      /has no config.json .*LetterBoxImageProcessor/,
      'tiny-yolo',
      { 'tiny-yolo.onnx': replace('Ultralytics', 'Somebody El') },
    ],
    [
      'preprocessing of another size',
      /64/,
      'tiny-yolo',
      { 'preprocessor_config.json': () => '{"image_processor_type": "LetterBoxImageProcessor", "size": 96}' },
    ],
  ])('refuses %s', async (_what, message, model, files) => {
    const copy = await changed(model, files);

    await expect(push(copy, 'object-detection')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
