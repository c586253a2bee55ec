import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { withFileBytes } from '../../src/core/byte-source.ts';
import { detectFormat } from '../../src/formats/detect.ts';
import { runCli } from '../support/command-line.ts';

const MODELS = 'test/fixtures/models';
const FILES = 'test/fixtures/formats/detect';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-files-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Copies files of the fixtures into a folder of their own, each under a name. */
const folderOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = join(root, 'folder');
  await mkdir(folder);
  for (const [name, file] of Object.entries(files)) await copyFile(file, join(folder, name));
  return folder;
};
const push = (path: string, ...options: string[]) => runCli(['push', path, '--store', join(root, 'store'), ...options]);
const written = () => readdir(join(root, 'store')).catch(() => 'nothing');

describe('inspect', () => {
  it('inspect shows what is in an ONNX file', async () => {
    const { exitCode, stdout, stderr } = await runCli(['inspect', 'models/efficientnet-lite0']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const line of [
      /model\.onnx is an ONNX file of 9\.3 MB\n/,
      / IR version +8\n/,
      / opsets +ai\.onnx 17\n/,
      / inputs +pixel_values float32\[batch,3,224,224\]\n/,
      / outputs +logits float32\[batch,1000\]\n/,
      / operators +Cast 50\n +Conv 49\n/,
      / weights +float16: 4,608,992 numbers, 9\.2 MB in 50 tensors\n/,
      / largest tensors +network\._fc\.weight\.half float16\[1000,1280\], 2\.6 MB\n/,
    ])
      expect(stdout).toMatch(line);
  });

  it('inspect shows each graph of a folder, and weights that are missing', async () => {
    const both = await runCli(['inspect', `${MODELS}/tiny-marian`, '--json']);
    expect(both.json.graphs).toMatchObject([{ path: /encoder/ }, { path: /decoder/ }].map(() => ({ missing: [] })));
    await copyFile(`${MODELS}/external-data/model.onnx`, join(root, 'model.onnx'));
    const { stdout } = await runCli(['inspect', join(root, 'model.onnx')]);
    expect(stdout).toMatch(/external data +model\.onnx_data/);
    expect(stdout).toMatch(/missing +its weights are in model\.onnx_data(_1)?, which is missing/);
  });

  it('inspect refuses a file that was cut short, with its name', async () => {
    const path = join(root, 'half.onnx');
    await writeFile(path, (await readFile('models/iris/model.onnx')).subarray(0, 100));
    const { exitCode, stderr } = await runCli(['inspect', path]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/half\.onnx cannot be read: it is not an ONNX file, or was cut short\n$/);
  });
});

describe('check', () => {
  it.each(['models/efficientnet-lite0', `${MODELS}/tiny-marian`, `${MODELS}/add.onnx`, `${MODELS}/zip-map.onnx`])(
    'check finds nothing against %s',
    async (path) => {
      const { exitCode, stdout, stderr } = await runCli(['check', path]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/can be pushed, as far as its files tell; .*\n +task /);
    },
  );

  it.each([
    ['future-opset.onnx', /opset 99/],
    ['unknown-operator.onnx', /FoldProtein/],
    ['sequence.onnx', /"parts" is sequence/],
    ['bfloat16-input.onnx', /bfloat16.*float32/],
    ['bfloat16-output.onnx', /bfloat16.*float32/],
    ['escaping-external-data.onnx', /outside its folder/],
  ])('check refuses %s, as push does', async (file, reason) => {
    const { exitCode, json } = await runCli(['check', `${MODELS}/${file}`, '--json']);
    expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code: 'MODEL_INVALID' });
    expect(json.error).toMatch(reason);
    expect((await push(`${MODELS}/${file}`)).exitCode).toBe(1);
  });

  it('check tells every reason at once, that of the settings too', async () => {
    const folder = join(root, 'colours');
    await cp(`${MODELS}/colours`, folder, { recursive: true });
    await rm(join(folder, 'preprocessor_config.json'));
    await copyFile(`${MODELS}/future-opset.onnx`, join(folder, 'onnx/model.onnx'));
    const { stderr } = await runCli(['check', folder]);
    expect(stderr).toMatch(/colours would be refused: .*opset 99.*; .*no preprocessor_config\.json/);
  });

  it('check takes a task', async () => {
    const { exitCode, stderr } = await runCli(['check', `${MODELS}/add.onnx`, '--task', 'translation']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('encoder_model.onnx') });
  });
});

describe('a model of another format', () => {
  it.each([
    ['state-dict.pt', /a file of torch\.save, which holds weights.*load_state_dict/],
    ['saved-model', /a SavedModel of TensorFlow; .*--saved-model "test\/fixtures\/formats\/detect\/saved-model"/],
    ['model.mlpackage', /a Core ML package/],
    ['spark', /a model of Spark ML; .*convert_sparkml/],
    ['openvino', /model\.xml is a model of OpenVINO/],
    ['mlflow-prophet', /an MLflow model of the flavours prophet, .*mlflow\.prophet\.load_model/],
    ['bz2.joblib', /compressed with bzip2; .*compress=3/],
  ])('%s is refused with its format and the command for it', async (file, reason) => {
    for (const words of [['push', '--store', join(root, 'store')], ['check'], ['inspect'], ['convert', 'x.onnx']]) {
      const [command = '', ...rest] = words;
      const out = command === 'convert' ? [join(root, 'x.onnx')] : rest;
      const { exitCode, json } = await runCli([command, `${FILES}/${file}`, ...out, '--json']);
      expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code: 'MODEL_INVALID' });
      expect(json.error).toMatch(reason);
    }
    expect(await written()).toBe('nothing');
  });

  it.each<[string, RegExp, () => Promise<string>]>([
    [
      'two models that could be converted',
      /holds 2 models \(a\.txt, model\.json\): name the file to push/,
      () => folderOf({ 'model.json': `${FILES}/xgboost.json`, 'a.txt': `${FILES}/lightgbm.txt` }),
    ],
    [
      'model.pkl beside model.onnx',
      /holds 2 models \(model\.pkl, model\.onnx\): name the file to push/,
      () => folderOf({ 'model.pkl': `${FILES}/protocol-5.pkl`, 'model.onnx': 'models/iris/model.onnx' }),
    ],
    [
      'weights of transformers without a graph',
      /model\.safetensors is a safetensors file, .*optimum-cli export onnx --model .*folder/,
      () => folderOf({ 'model.safetensors': `${FILES}/model.safetensors`, 'config.json': 'models/iris/config.json' }),
    ],
    ['a folder without a model', /holds no model: expected model\.onnx/, () => folderOf({ 'README.md': 'README.md' })],
    [
      'a web page with the name of a graph',
      /is a web page, and no model/,
      async () => {
        await writeFile(join(root, 'page.onnx'), '<!DOCTYPE html><html></html>');
        return join(root, 'page.onnx');
      },
    ],
    [
      'a folder with the name of a graph',
      /holds no model/,
      async () => {
        await mkdir(join(root, 'model.onnx'));
        return join(root, 'model.onnx');
      },
    ],
    ['what is neither a file nor a folder', /is neither a file nor a folder/, async () => '/dev/null'],
    [
      'a link to nothing',
      /there is no file or folder/,
      async () => {
        await symlink(join(root, 'nothing'), join(root, 'link.pkl'));
        return join(root, 'link.pkl');
      },
    ],
  ])('a push is refused for %s', async (_what, reason, path) => {
    const { exitCode, json } = await push(await path(), '--json');
    expect(exitCode).toBe(1);
    expect(json.error).toMatch(reason);
    expect(await written()).toBe('nothing');
  });

  it('weights of transformers beside a graph do not matter', async () => {
    const folder = await folderOf({ 'tf_model.h5': `${FILES}/model.h5`, 'model.onnx': `${MODELS}/add.onnx` });
    expect((await push(folder, '--dry-run')).exitCode).toBe(0);
  });

  it('an ONNX file of any name is pushed', async () => {
    const { exitCode, stdout } = await push(`${FILES}/neg`);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Pushed neg version 1'),
    });
  });
});

describe('convert', () => {
  it.each<[string, RegExp, () => Promise<readonly [input: string, output: string]>]>([
    ['a missing folder', /there is no folder .*missing/, async () => ['xgboost.json', join(root, 'missing/x.onnx')]],
    ['a folder as the output', /is no file; name the \.onnx file/, async () => ['xgboost.json', root]],
    [
      'a file in the place of a folder',
      /there is no folder/,
      async () => {
        await writeFile(join(root, 'file'), '');
        return ['xgboost.json', join(root, 'file/x.onnx')];
      },
    ],
    ['a graph', /is ONNX already/, async () => ['neg', join(root, 'x.onnx')]],
  ])('convert is refused for %s', async (_what, reason, words) => {
    const [input, output] = await words();
    const { exitCode, json } = await runCli(['convert', join(FILES, input), output, '--json']);
    expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code: 'INVALID_REQUEST' });
    expect(json.error).toMatch(reason);
  });

  it('convert does not replace the model itself', async () => {
    const model = join(root, 'model.json');
    await copyFile(`${FILES}/xgboost.json`, model);
    await symlink(model, join(root, 'link.onnx'));
    for (const output of [model, join(root, 'link.onnx')]) {
      const { stderr } = await runCli(['convert', model, output, '--force']);
      expect(stderr).toMatch(/is the model itself/);
    }
    expect(withFileBytes(model, detectFormat)).toBe('xgboost');
  });
});
