import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FIXTURES, readJson } from '../support/image-parity.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';
import { pushModel } from '../support/tried-models.ts';

const GRAPH = join(FIXTURES, 'yolo/yolo11-cls.onnx');

let serving: TestServing;
let folder: string;
beforeAll(async () => {
  serving = await createTestServing();
  folder = await mkdtemp(join(tmpdir(), 'yolo-classifier-'));
});
afterAll(async () => {
  await serving.remove();
  await rm(folder, { recursive: true });
});

/** Made by test/reference/yolo_classifier.py. */
const { answers } = (await readJson(join(FIXTURES, 'reference/yolo-classifier.json'))) as {
  answers: Record<string, readonly (readonly [label: string, score: number])[]>;
};

describe('a classifier that Ultralytics exported', () => {
  it('is served from its file alone, and scores images as Ultralytics', async () => {
    const pushed = await pushModel(serving.repository, GRAPH, { name: 'yolo' });

    expect(pushed).toMatchObject({
      task: 'image-classification',
      reason: 'task classify, which Ultralytics wrote into the graph',
    });
    for (const [name, scores] of Object.entries(answers)) {
      const response = await serving.fetch('/models/yolo', {
        method: 'POST',
        body: await readFile(join(FIXTURES, 'images', name)),
        headers: { 'content-type': 'image/png' },
      });
      const found = (await response.json()) as { label: string; score: number }[];
      const byLabel = new Map(found.map(({ label, score }) => [label, score]));
      expect([...byLabel.keys()].toSorted()).toEqual(['cat', 'dog', 'person']);
      for (const [label, score] of scores) expect([name, byLabel.get(label)]).toEqual([name, expect.closeTo(score, 2)]);
    }
  });

  it('has the labels of config.json where there are some', async () => {
    await writeFile(join(folder, 'model.onnx'), await readFile(GRAPH));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ id2label: ['Katze', 'Hund', 'Mensch'] }));
    await pushModel(serving.repository, folder, { name: 'german' });

    const body = await readFile(join(FIXTURES, 'images/rgb.png'));
    const response = await serving.fetch('/models/german?top_k=1', { method: 'POST', body });

    expect(await response.json()).toEqual([{ label: 'Mensch', score: expect.any(Number) }]);
  });
});

it('push says that a model of Ultralytics for another task is served as tensors', async () => {
  const graph = await readFile(GRAPH, 'latin1');
  const path = join(folder, 'semantic.onnx');
  await writeFile(path, graph.replace('classify', 'semantic'), 'latin1');

  const pushed = await pushModel(serving.repository, path, { name: 'semantic' });

  expect(pushed).toMatchObject({
    task: 'tensor',
    reason: 'a model of Ultralytics for the task semantic, which only the tensor task serves',
  });
});
