import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
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
/** Pipes that nobody writes into: reading one never ends. */
const folderWithPipes = async (...names: string[]): Promise<string> => {
  const folder = await folderOf({});
  for (const name of names) await promisify(execFile)('mkfifo', [join(folder, name)]);
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
    ['../pickle/python-2.7/model.p2.pkl', /LogisticRegression \(scikit-learn 0\.20\.4\): versions before 1\.0 do not/],
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
    [
      'a zip file with the name of a pickle',
      /is an archive of TorchServe; unpack it/,
      async () => {
        await copyFile(`${FILES}/net.mar`, join(root, 'net.pkl'));
        return join(root, 'net.pkl');
      },
    ],
    ['what is neither a file nor a folder', /is neither a file nor a folder/, async () => '/dev/null'],
    ['an MLflow folder of pipes', /is an MLflow model of the flavours/, () => folderWithPipes('MLmodel')],
    [
      'a folder whose graph is a pipe',
      /model\.onnx is a folder, a pipe or a device; put the file itself/,
      () => folderWithPipes('model.onnx'),
    ],
    ['a folder of pipes', /holds no model: expected model\.onnx/, () => folderWithPipes('config.json', 'README.md')],
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

/** A model of LightGBM with `count` equal trees. */
const manyTrees = async (count: number): Promise<string> => {
  const model = await readFile(`${FILES}/lightgbm.txt`, 'utf8');
  const [head = '', rest = ''] = model.split('\nTree=0\n');
  const [tree = '', tail = ''] = rest.split('\nend of trees');
  const trees = Array.from({ length: count }, (_, index) => `Tree=${index}\n${tree}\n`);
  const sizes = trees.map(({ length }) => length).join(' ');
  return `${head.replace(/tree_sizes=.*/, `tree_sizes=${sizes}`)}\n${trees.join('')}end of trees${tail}`;
};

/** Models of XGBoost and LightGBM, and the name of each. */
const CONVERTED = [
  ['xgboost.json', 'xgboost', /XGBoost 3\.0/],
  ['lightgbm.txt', 'lightgbm', /LightGBM/],
] as const;

it('show names the columns of a converted model', async () => {
  const file = join(root, 'regressor.pkl');
  await writeFile(file, gunzipSync(await readFile('test/fixtures/formats/xgboost/3.2.0/regressor.pkl.gz')));
  const store = ['--store', join(root, 'store')];
  await runCli(['push', file, ...store]);
  expect((await runCli(['show', 'regressor', ...store])).stdout).toMatch(/columns +7: f0, f1, f2, f3, f4, …/);
});

describe('a model that is converted', () => {
  it.each(CONVERTED)('%s is pushed as %s, shown and answers', async (file, name, origin) => {
    const pushed = await push(`${FILES}/${file}`);
    expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(pushed.stdout).toContain(`Pushed ${name} version 1`);
    expect(pushed.stdout).toContain(`${file} of `);

    const store = ['--store', join(root, 'store')];
    const { json } = await runCli(['show', name, '--json', ...store]);
    const { bundle, outline } = json as { bundle: { source: string; files: { path: string }[] }; outline: object };
    expect(bundle.files.map(({ path }) => path).sort()).toEqual(['config.json', 'model.onnx', 'outline.json']);
    expect(bundle.source).toMatch(new RegExp(`^detect/${file} \\(.*sha256 [0-9a-f]{64}; task: pipeline_tag `));
    expect(bundle.source).toMatch(origin);
    expect((await runCli(['show', name, ...store])).stdout).toContain(String(Object.values(outline)[0]));

    await writeFile(join(root, 'rows.csv'), '0,1\n1,0\n');
    const answered = await runCli(['predict', name, join(root, 'rows.csv'), '--json', ...store]);
    expect(answered).toMatchObject({ exitCode: 0, json: { result: [expect.anything(), expect.anything()] } });
  });

  it.each(['model.keras', 'model.h5'])('%s is pushed, and takes tensors', async (file) => {
    const pushed = await push(`${FILES}/${file}`, '--name', 'dense');
    expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(pushed.stdout).toMatch(/inputs +\w+ float32\[N,2\]\n[\s\S]*└─ dense \(Dense\)/);
    const [, name] = /inputs +(\w+)/.exec(pushed.stdout) ?? [];
    const request = join(root, 'request.json');
    const input = { name, datatype: 'FP32', shape: [1, 2], data: [1, 2] };
    await writeFile(request, JSON.stringify({ inputs: [input] }));
    const { json } = await runCli(['predict', 'dense', request, '--json', '--store', join(root, 'store')]);
    expect(json.result).toMatchObject({ outputs: [{ shape: [1, 1], data: [expect.any(Number)] }] });
  });

  it.each(['protocol-0.pkl', 'raw.joblib', 'zlib.joblib', 'model.skops', 'mlflow-sklearn'])(
    'an estimator of scikit-learn is pushed, and answers: %s',
    async (file) => {
      const pushed = await push(`${FILES}/${file}`, '--name', 'logistic');
      expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
      expect(pushed.stdout).toMatch(/of scikit-learn 1\.9\.1 was converted/);
      await writeFile(join(root, 'rows.csv'), '0,1\n1,0\n');
      const words = ['predict', 'logistic', join(root, 'rows.csv'), '--json', '--store', join(root, 'store')];
      const { json } = await runCli(words);
      const scores = [{ label: expect.stringMatching(/^[01]$/), score: expect.any(Number) }, expect.anything()];
      expect(json.result).toEqual([scores, scores]);
    },
  );

  it('a pickle of an estimator of XGBoost is pushed, and nothing of it runs', async () => {
    const { exitCode, stdout } = await push('test/fixtures/formats/xgboost/3.2.0/classes.pkl.gz', '--name', 'classes');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Pushed classes version 1[\s\S]*classes\.pkl\.gz of XGBoost 3\.2\.0 was converted/);
  });

  it('a push that is tried shows the parts of the model, and writes nothing', async () => {
    const { exitCode, stdout } = await push(`${FILES}/xgboost.json`, '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Would push xgboost version 1[\s\S]*└─/);
    expect(await written()).toBe('nothing');
  });

  it("the user's own settings go before those of the model, field by field", async () => {
    const folder = await folderOf({ 'model.json': `${FILES}/xgboost.json` });
    await writeFile(join(folder, 'config.json'), '{"id2label": {"0": "stays", "1": "leaves"}}');
    expect(await push(folder, '--name', 'churn')).toMatchObject({ exitCode: 0, stderr: '' });
    const { json } = await runCli(['show', 'churn', '--json', '--store', join(root, 'store')]);
    expect(json.bundle).toMatchObject({ task: 'tabular-classification', settings: { labels: ['stays', 'leaves'] } });
  });

  it('inspect and check convert it, and write nothing', async () => {
    const inspected = await runCli(['inspect', `${FILES}/lightgbm.txt`]);
    expect(inspected.stdout).toMatch(/lightgbm\.txt is a model of LightGBM[\s\S]*settings +pipeline_tag: /);
    expect(await runCli(['check', `${FILES}/lightgbm.txt`])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readdir(root)).toEqual([]);
  });
});

describe('convert', () => {
  const convert = (output: string, ...options: string[]) =>
    runCli(['convert', `${FILES}/xgboost.json`, output, ...options]);

  it('convert writes a graph with its settings, which push takes', async () => {
    const output = join(root, 'model.onnx');
    const { exitCode, stdout } = await convert(output);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Wrote .*model\.onnx, .*\n +from +XGBoost/);
    expect((await readdir(root)).sort()).toEqual(['config.json', 'model.onnx']);
    expect(withFileBytes(output, detectFormat)).toBe('onnx');
    expect((await push(root, '--name', 'again')).stdout).toContain('tabular-classification');
  });

  it('convert replaces no graph without --force, and no settings at all', async () => {
    const output = join(root, 'model.onnx');
    await writeFile(join(root, 'config.json'), '{"own": 1}');
    await writeFile(output, 'something');
    expect(await convert(output)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--force replaces it'),
    });
    expect(await readFile(output, 'utf8')).toBe('something');
    const forced = await convert(output, '--force');
    expect(forced.stdout).toContain('config.json was there, and stays as it is');
    expect(await readFile(join(root, 'config.json'), 'utf8')).toBe('{"own": 1}');
    expect(withFileBytes(output, detectFormat)).toBe('onnx');
  });

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

  it('convert leaves no half of a file at Ctrl-C', async () => {
    const [model, folder] = [join(root, 'large.txt'), join(root, 'out')];
    await writeFile(model, await manyTrees(20_000));
    await mkdir(folder);
    const child = spawn(process.execPath, ['cli/main.ts', 'convert', model, join(folder, 'x.onnx')], {
      stdio: 'ignore',
    });
    const watcher = watch(folder);
    watcher.once('change', () => child.kill('SIGINT'));
    const [exitCode] = await once(child, 'close');
    watcher.close();
    const files = await readdir(folder);
    expect(files.filter((name) => name.endsWith('.part'))).toEqual([]);
    // The graph may have appeared before the signal came.
    if (files.includes('x.onnx')) expect(withFileBytes(join(folder, 'x.onnx'), detectFormat)).toBe('onnx');
    else expect(exitCode).toBe(130);
  });

  it('convert leaves no half of a file where it cannot write', async () => {
    const output = join(root, `${'x'.repeat(240)}.onnx`); // too long a name once it is temporary
    const { exitCode, stderr } = await convert(output);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/cannot be written \(ENAMETOOLONG\); look at the room and the permissions of its folder/);
    expect(await readdir(root)).toEqual([]);
  });
});
