import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFileGraph } from '../../../src/source/graph-source.ts';
import {
  findModel,
  hasFile,
  type ModelSource,
  readSettingsFile,
  suggestName,
  withMadeFiles,
} from '../../../src/source/model-source.ts';

let root: string;
let folder: string;

const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
};
const putEmpty = (...paths: string[]) => put(Object.fromEntries(paths.map((path) => [path, ''])));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'model-source-'));
  folder = join(root, 'My model (v2)');
  await mkdir(folder);
});

afterEach(() => rm(root, { recursive: true }));

describe('a folder', () => {
  it.each([
    ['model.onnx', ['model.onnx', 'onnx/model.onnx']],
    ['onnx/model.onnx', ['onnx/model.onnx', 'onnx/model_fp16.onnx', 'model_quantized.onnx']],
    ['onnx/model_fp16.onnx', ['onnx/model_quantized.onnx', 'onnx/model_fp16.onnx', 'onnx/model_q4.onnx']],
    ['resnet.onnx', ['resnet.onnx', 'resnet.onnx_data', 'README.md']],
  ])('a folder is about %s among %j, and names the rest', async (graph, files) => {
    await putEmpty(...files);
    const found = await findModel(folder);
    expect(found).toMatchObject({ directory: folder, graphs: { model: { path: graph } }, ownsDirectory: true });
    const others = files.filter((path) => path.endsWith('.onnx') && path !== graph);
    expect([...found.alternatives].sort()).toEqual(others.sort());
  });

  it.each([
    ['encoder_model.onnx', 'decoder_model_merged.onnx', []],
    [
      'onnx/encoder_model.onnx',
      'onnx/decoder_model_merged.onnx',
      ['onnx/decoder_model.onnx', 'onnx/decoder_with_past_model.onnx'],
    ],
    ['encoder_model_int8.onnx', 'decoder_model_merged_int8.onnx', ['encoder_model_q4.onnx']],
    ['onnx/encoder_model.onnx', 'onnx/decoder_model_merged_quantized.onnx', []],
  ])('a folder is about the encoder %s and the decoder %s, and leaves %j behind', async (encoder, decoder, others) => {
    await putEmpty(encoder, decoder, ...others);
    const found = await findModel(folder);
    expect(found).toMatchObject({
      graphs: { encoder: { path: encoder }, decoder: { path: decoder } },
      alternatives: others,
    });
  });

  it.each([
    ['NOT_FOUND', 'holds no model: expected model.onnx', ['config.json']],
    ['INVALID_REQUEST', 'holds 2 models (a.onnx, b.onnx): name the file', ['a.onnx', 'b.onnx']],
    [
      'MODEL_INVALID',
      'optimum-cli export onnx',
      ['encoder_model.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx'],
    ],
  ])('a folder is refused with %s: %s', async (code, message, files) => {
    await putEmpty(...files);
    await expect(findModel(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('a file', () => {
  it('a file is the model, and keeps its place in a Hugging Face folder', async () => {
    await putEmpty('onnx/model_quantized.onnx', 'config.json');
    const expected = {
      directory: folder,
      graphs: { model: { path: 'onnx/model_quantized.onnx' } },
      ownsDirectory: true,
    };
    expect(await findModel(join(folder, 'onnx/model_quantized.onnx'))).toMatchObject(expected);
  });

  it('a file outside a Hugging Face folder stands alone', async () => {
    await putEmpty('onnx/resnet.onnx');
    const expected = {
      directory: join(folder, 'onnx'),
      graphs: { model: { path: 'resnet.onnx' } },
      ownsDirectory: false,
    };
    expect(await findModel(join(folder, 'onnx/resnet.onnx'))).toMatchObject(expected);
  });

  it('a file that is missing is refused', async () => {
    await expect(findModel(join(folder, 'missing.onnx'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a file that was converted', () => {
  it('its settings go before those of the folder, and its files are there', async () => {
    await put({ 'config.json': '{"a": 1}', 'vocab.json': '{}' });
    const made = { 'config.json': '{"a": 2}' };
    const source = { ...(await sourceOf()), conversion: { file: 'model.pkl', origin: 'any', files: made, notes: [] } };

    expect(await readSettingsFile(source, 'config.json')).toEqual({ a: 2 });
    expect(await readSettingsFile(source, 'vocab.json')).toEqual({});
    expect(await hasFile(source, 'other.json')).toBe(false);
    expect(withMadeFiles(source, [{ path: 'config.json' }, { path: 'vocab.json' }])).toEqual([
      { path: 'config.json', content: made['config.json'] },
      { path: 'vocab.json' },
    ]);
  });

  it.each([
    ['churn', 'churn.pkl'],
    ['My-model-v2', 'model.joblib'],
  ])('its name is %s for %s', async (name, file) => {
    expect(suggestName({ ...(await sourceOf()), conversion: { file, origin: 'any', files: {}, notes: [] } })).toBe(
      name,
    );
  });

  const sourceOf = async (): Promise<ModelSource> => ({
    directory: folder,
    graphs: { model: createFileGraph(folder, 'model.onnx') },
    alternatives: [],
    ownsDirectory: true,
  });
});

describe('the name', () => {
  const named = (directory: string, graph: string) =>
    suggestName({
      directory,
      graphs: { model: createFileGraph(directory, graph) },
      alternatives: [],
      ownsDirectory: true,
    });

  it.each([
    ['efficientnet', '/models/efficientnet', 'onnx/model.onnx'],
    ['efficientnet', '/models/efficientnet/', 'model_fp16.onnx'],
    ['resnet-50', '/models/any', 'resnet-50.onnx'],
    ['My-model-v2', '/models/My model (v2)', 'model.onnx'],
    ['resnet', '/models/any', 'resnet_-..onnx'],
    ['a'.repeat(99), '/models/any', `${'a'.repeat(99)}-b.onnx`],
    ['hidden', '/models/.hidden', 'model.onnx'],
  ])('the name is %s in %s for %s', (name, directory, graph) => {
    expect(named(directory, graph)).toBe(name);
  });
});
