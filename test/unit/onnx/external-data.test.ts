import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseOnnxModel } from '../../../src/onnx/onnx-model.ts';
import { createFileGraph, findExternalData } from '../../../src/source/graph-source.ts';

const MODELS = 'test/fixtures/models';

describe('the weights of a graph', () => {
  it('the weights of a graph lie in every file that it names, in subgraphs too', async () => {
    const { externalData } = parseOnnxModel(await readFile(`${MODELS}/external-data/model.onnx`));
    expect([...externalData].sort()).toEqual(['model.onnx_data', 'model.onnx_data_1']);
  });

  it.each(['test/fixtures/models/add.onnx', 'models/efficientnet-lite0/onnx/model.onnx'])(
    'the weights of %s lie in the graph itself',
    async (path) => {
      expect(parseOnnxModel(await readFile(path)).externalData).toEqual([]);
    },
  );

  it('bytes that are no ONNX file, or half of one, are refused', async () => {
    const graph = await readFile('models/efficientnet-lite0/onnx/model.onnx');
    for (const bytes of [Buffer.from('<!DOCTYPE html>'), graph.subarray(0, 100_000), Buffer.from([0x3a, 0xff])])
      expect(() => parseOnnxModel(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});

describe('the files with weights', () => {
  let folder: string;
  const find = async (directory: string, path: string) =>
    findExternalData(directory, path, (await createFileGraph(directory, path).read()).externalData);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'external-data-'));
    await cp(`${MODELS}/external-data`, join(folder, 'onnx'), { recursive: true });
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('files with weights are found beside the graph in any folder', async () => {
    const found = await find(folder, 'onnx/model.onnx');
    expect(found.sort()).toEqual(['onnx/model.onnx_data', 'onnx/model.onnx_data_1']);
  });

  it('a missing file with weights is named', async () => {
    await rm(join(folder, 'onnx/model.onnx_data_1'));
    await expect(find(folder, 'onnx/model.onnx')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('onnx/model.onnx_data_1, which is missing'),
    });
  });

  it('files with weights may not lie outside the folder of the graph', async () => {
    await expect(find(MODELS, 'escaping-external-data.onnx')).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('../secret.bin, outside its folder'),
    });
  });
});
