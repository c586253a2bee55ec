import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { detectFolder } from '../../../src/formats/detect-folder.ts';

const FOLDER = 'test/fixtures/formats/detect';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'detect-folder-'));
});
afterEach(() => rm(root, { recursive: true }));

const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
};

describe('a folder', () => {
  it.each([
    ['mlflow-sklearn', { file: 'model.pkl' }],
    ['mlflow-prophet', { flavours: ['prophet'] }],
    ['saved-model', { refused: 'saved-model' }],
    ['model.mlpackage', { refused: 'core-ml-package' }],
    ['spark', { refused: 'spark-ml' }],
    ['openvino', undefined],
  ])('%s is recognised as %j', async (name, kind) => {
    expect(await detectFolder(join(FOLDER, name))).toEqual(kind);
  });

  it.each([
    ['xgboost', 'data: model.ubj', 'model.ubj'],
    ['lightgbm', 'data: "model.lgb"', 'model.lgb'],
    ['onnx', 'data: model.onnx', 'model.onnx'],
    ['tensorflow', 'data: data', 'data/model.keras'],
    ['keras', 'data: data', 'data/data/model.keras'],
  ])('MLflow of the flavour %s with %j is its file %s', async (flavour, field, file) => {
    await put({
      MLmodel: `flavors:\n  python_function:\n    data: other\n  ${flavour}:\n    ${field}\nmlflow_version: 3\n`,
      [file]: 'x',
    });
    expect(await detectFolder(root)).toEqual({ file });
  });

  it('a file outside of an MLflow folder is not its model', async () => {
    for (const path of ['../outside.pkl', '/etc/hostname']) {
      await put({ MLmodel: `flavors:\n  sklearn:\n    pickled_model: ${path}\n` });
      expect(await detectFolder(root)).toEqual({ flavours: ['sklearn'] });
    }
  });

  it('an MLflow folder without flavours has none', async () => {
    await put({ MLmodel: 'a: [1, 2\n' });
    expect(await detectFolder(root)).toEqual({ flavours: [] });
  });
});
