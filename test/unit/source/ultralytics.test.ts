import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toField, toIntegerField } from '../../../src/onnx/chunks.ts';
import { ENTRY, MODEL } from '../../../src/onnx/schema.ts';
import { createFileGraph } from '../../../src/source/graph-source.ts';
import type { ModelSource } from '../../../src/source/model-source.ts';
import { readUltralyticsMetadata } from '../../../src/source/ultralytics.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ultralytics-'));
});
afterAll(() => rm(directory, { recursive: true }));

const sourceOf = (file: string): ModelSource => ({
  directory,
  graphs: { model: createFileGraph(directory, file) },
  alternatives: [],
  ownsDirectory: true,
});
const read = async (metadata: Record<string, string>) => {
  const entries = Object.entries(metadata).flatMap(([key, value]) =>
    toField(MODEL.metadata, [...toField(ENTRY.key, key), ...toField(ENTRY.value, value)]),
  );
  await writeFile(join(directory, 'model.onnx'), Buffer.concat([...toIntegerField(MODEL.irVersion, 9), ...entries]));
  return readUltralyticsMetadata(sourceOf('model.onnx'));
};
const detect = { author: 'Ultralytics', task: 'detect', imgsz: '[480, 640]', names: "{0: 'cat'}" };

describe('the metadata of an Ultralytics export', () => {
  it('metadata of Ultralytics name task, labels and size, with all quotes and letters that Python writes', async () => {
    const names = `{0: 'açaí', 1: "driver's seat", 2: 'a \\\\ "b\\'s"', 3: '10: x'}`;

    expect(await read({ ...detect, names })).toEqual({
      task: 'detect',
      labels: ['açaí', "driver's seat", `a \\ "b's"`, '10: x'],
      imageSize: [480, 640],
    });
  });

  it('metadata of another author are ignored', async () => {
    expect(await read({ ...detect, author: 'somebody' })).toBeUndefined();
    expect(await read({})).toBeUndefined();
  });

  it.each([
    ['a class without a name', { names: "{0: 'cat', 2: 'dog'}" }],
    ['no names', { names: '{}' }],
    ['a class of no sane number', { names: "{999999999: 'cat'}" }],
    ['no size', { imgsz: '' }],
    ['a size of nothing', { imgsz: '[0, 640]' }],
  ])('metadata of Ultralytics are refused with %s', async (_what, fields) => {
    await expect(read({ ...detect, ...fields })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('a file that is no ONNX file has no metadata', async () => {
    await writeFile(join(directory, 'text.onnx'), 'this is no protobuf at all');

    expect(await readUltralyticsMetadata(sourceOf('text.onnx'))).toBeUndefined();
  });
});
