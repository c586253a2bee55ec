import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { CreateMultipartUploadCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { getRequestListener } from '@hono/node-server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type Sharp from 'sharp';
import { deadlineAt } from '../../src/core/deadline.ts';
import { createApplication } from '../../src/http/application.ts';
import { toFetch } from '../../src/http/fetch.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { runCli } from '../support/command-line.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { copyPushed } from '../support/pushed-store.ts';
import { createTestServing, type TestServing } from '../support/serving.ts';

const sharp = createRequire(import.meta.url)('sharp') as typeof Sharp;
const MODELS = 'test/fixtures/models';
const ADD_REQUEST = {
  inputs: [
    { name: 'a', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] },
    { name: 'b', datatype: 'FP32', shape: [1, 3], data: [10, 20, 30] },
  ],
};
const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 18569500\n`;
const ADD_OUTPUT = { name: 'sum', datatype: 'FP32', shape: [1, 3], data: [11, 22, 33] };

let root: string;
let red: string;
let request: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-'));
  red = join(root, 'red.png');
  const background = { r: 255, g: 20, b: 10 };
  await sharp({ create: { width: 40, height: 30, channels: 3, background } }).toFile(red);
  request = join(root, 'request.json');
  await writeFile(request, JSON.stringify(ADD_REQUEST));
});

afterEach(() => rm(root, { recursive: true }));

describe('with a directory', () => {
  const cli = (...words: string[]) => runCli([...words, '--store', join(root, 'store')]);
  const givePushed = (model: string) => copyPushed(join(root, 'store'), `${MODELS}/${model}`);

  it('a model is pushed, listed, shown and tried', async () => {
    await mkdir(join(root, 'store'));
    const empty = await cli('list');
    expect(empty).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('npx onnx-serverless push') });

    const pushed = await cli('push', `${MODELS}/colours`);
    expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(pushed.stdout).toContain('Pushed colours version 1');
    expect(pushed.stdout).toContain('image-classification (ColoursForImageClassification in config.json)');
    expect(pushed.stdout).toContain(`npx onnx-serverless predict colours <image> --store ${join(root, 'store')}`);
    await cli('push', `${MODELS}/colours`);

    const listed = await cli('list', '--json');
    expect(listed.json.models).toMatchObject([{ name: 'colours', version: 1, task: 'image-classification' }]);

    const shown = await cli('show', 'colours', '--version', '1', '--json');
    expect(shown.json).toMatchObject({
      name: 'colours',
      versions: [1, 2],
      routing: { stable: 1, aliases: {} },
      bundle: {
        version: 1,
        source: 'colours/onnx/model.onnx (task: ColoursForImageClassification in config.json)',
        settings: { labels: ['red', 'green', 'blue'], functionToApply: 'softmax' },
        graphs: { model: { file: 'onnx/model.onnx', createMs: expect.any(Number) } },
        files: [{ path: 'onnx/model.onnx' }, { path: 'config.json' }, { path: 'preprocessor_config.json' }],
      },
    });
    expect((await cli('show', 'colours')).stdout).toMatch(/versions +1, 2\n +stable +1\n[\s\S]*labels +\["red"/);

    const predicted = await cli('predict', 'colours', red, '--json', '--version', '1');
    expect(predicted.json).toMatchObject({ model: 'colours', version: 1, result: [{ label: 'red' }, {}, {}] });
    const best = await cli('predict', 'colours', red, '--top-k', '1');
    expect(best).toMatchObject({ stdout: expect.stringMatching(/^0\.999\d {2}red\n$/), stderr: 'colours version 1\n' });
  });

  it('a model of tensors takes a request of the Open Inference Protocol', async () => {
    await givePushed('add.onnx');
    const { json } = await cli('predict', 'add', request, '--json');
    expect(json).toMatchObject({ model: 'add', version: 1, result: { model_name: 'add', outputs: [ADD_OUTPUT] } });
  });

  it('show says what was understood of a model of two graphs', async () => {
    expect((await cli('push', 'test/fixtures/models/tiny-m2m100')).exitCode).toBe(0);
    const { stdout } = await cli('show', 'tiny-m2m100');
    expect(stdout).toMatch(/task +translation\n/);
    expect(stdout).toMatch(/source +tiny-m2m100\/encoder_model\.onnx \+ decoder_model_merged\.onnx \(task: M2M100For/);
    expect(stdout).toMatch(/runs together +up to 32 rows\n/);
    expect(stdout).toMatch(
      /encoder inputs +input_ids int64\[[\s\S]*decoder inputs [\s\S]*past_key_values\.\*\.decoder\.key/,
    );
    expect(stdout).toContain('(--json shows all)');
    expect(stdout).toMatch(/\n +tokenizer\.json /);
  });

  it('a model of tensors refuses an image with the way to make it a classifier', async () => {
    await givePushed('add.onnx');
    const { exitCode, stderr } = await cli('predict', 'add', red);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/model add takes tensors .*push it with .*--task image-classification/);
  });

  it('an image that is larger than a request is sent, and nowhere uploaded', async () => {
    await givePushed('colours');
    const path = join(root, 'large.png');
    await sharp(randomBytes(1300 * 1300 * 3), { raw: { width: 1300, height: 1300, channels: 3 } }).toFile(path);
    expect(await cli('predict', 'colours', path)).toMatchObject({ exitCode: 0, stderr: 'colours version 1\n' });
  });

  it('integers beyond 2^53 arrive in the output as they are', async () => {
    await cli('push', `${MODELS}/double-int64.onnx`);
    const input = '{"inputs":[{"name":"x","datatype":"INT64","shape":[1],"data":[4611686018427387903]}]}';
    await writeFile(request, input);
    for (const option of ['--json', '--debug'])
      expect((await cli('predict', 'double-int64', request, option)).stdout).toContain('[9223372036854775806]');
  });

  it('weights beside the graph go with it', async () => {
    const pushed = await cli('push', `${MODELS}/external-data`, '--name', 'scaled', '--json');
    const paths = ['model.onnx', 'model.onnx_data', 'model.onnx_data_1'].map((path) =>
      expect.objectContaining({ path }),
    );
    expect(pushed.json.files).toEqual(expect.arrayContaining(paths));
    const input = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 1, 1] }] };
    await writeFile(request, JSON.stringify(input));
    const { json } = await cli('predict', 'scaled', request, '--json');
    expect(json.result).toMatchObject({ outputs: [{ data: [3, 4, 5] }] });
  });

  it('a folder of the cache of Hugging Face is pushed with the files behind its links, under the name of the model', async () => {
    const cached = join(root, 'models--acme--scaled');
    const snapshot = join(cached, 'snapshots', '0123abcd');
    await mkdir(join(cached, 'refs'), { recursive: true });
    await mkdir(join(snapshot, 'onnx'), { recursive: true });
    await cp(`${MODELS}/external-data`, join(cached, 'blobs'), { recursive: true });
    for (const name of await readdir(`${MODELS}/external-data`)) {
      await rename(join(cached, 'blobs', name), join(cached, 'blobs', `sha-${name.length}`));
      await symlink(`../../../blobs/sha-${name.length}`, join(snapshot, 'onnx', name));
    }
    await writeFile(join(cached, 'refs', 'main'), '0123abcd\n');

    for (const path of [snapshot, cached, join(snapshot, 'onnx', 'model.onnx')])
      expect(await cli('push', path, '--task', 'tensor')).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('Pushed scaled version'),
      });

    await writeFile(
      request,
      JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 1, 1] }] }),
    );
    const { json } = await cli('predict', 'scaled', request, '--json');
    expect(json.result).toMatchObject({ outputs: [{ data: [3, 4, 5] }] });
  });

  it('a link that leads out of the folder is refused, and a model is pushed through a link that is named', async () => {
    const folder = join(root, 'linked');
    await cp(`${MODELS}/external-data`, folder, { recursive: true });
    const weights = join(root, 'weights');
    await rename(join(folder, 'model.onnx_data'), weights);
    await symlink(weights, join(folder, 'model.onnx_data'));
    expect(await cli('push', folder)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/model\.onnx_data is a link to .*weights, outside of the folder; copy .* cp -rL/),
    });

    await symlink(resolve(MODELS, 'add.onnx'), join(root, 'sum.onnx'));
    expect(await cli('push', join(root, 'sum.onnx'), '--name', 'sum')).toMatchObject({ exitCode: 0 });
  });

  it('a model that runs only at some sizes is tried at the size that is named', async () => {
    expect(await cli('push', `${MODELS}/pairs.onnx`, '--dimension', 'batch=3')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/failed on zeros with batch=3: .*; so it did on ones\. Give .*--warmup/),
    });
    expect(await cli('push', `${MODELS}/pairs.onnx`, '--dimension', 'batch=4')).toMatchObject({ exitCode: 0 });
    expect(await cli('push', `${MODELS}/pairs.onnx`, '--dimension', 'rows=4')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no input has a variable dimension "rows"; variable are: batch'),
    });
  });

  it('the task and the name can be chosen', async () => {
    const { json } = await cli('push', `${MODELS}/colours`, '--task', 'tensor', '--name', 'bare', '--json');
    expect(json).toMatchObject({ name: 'bare', task: 'tensor', reason: 'as asked for' });
    const graph = `${MODELS}/colours/onnx/model.onnx`;
    const single = await cli('push', graph, '--task', 'image-classification', '--json');
    expect(single.json).toMatchObject({ name: 'colours', task: 'image-classification' });
  });

  it('a push does not turn a classifier into a model of tensors unless that is asked for', async () => {
    await cli('push', `${MODELS}/colours`);
    const bare = join(root, 'colours.onnx');
    await copyFile(`${MODELS}/colours/onnx/model.onnx`, bare);

    const refused = await cli('push', bare, '--json');

    expect(refused).toMatchObject({ exitCode: 1, json: { code: 'INVALID_REQUEST' } });
    expect(refused.json.error).toMatch(/would be tensor .*version 1 of colours.* is image-classification; .*--task/);
    expect((await cli('show', 'colours', '--json')).json).toMatchObject({ versions: [1] });
    expect(await cli('push', bare, '--task', 'tensor')).toMatchObject({ exitCode: 0 });
    expect(await cli('push', `${MODELS}/colours/onnx/model.onnx`)).toMatchObject({ exitCode: 0 });
  });

  it('a push repairs a version whose bundle is broken', async () => {
    await cli('push', `${MODELS}/add.onnx`);
    await writeFile(join(root, 'store/models/add/1/bundle.json'), '{}');
    expect(await cli('push', `${MODELS}/add.onnx`, '--promote')).toMatchObject({ exitCode: 0 });
  });

  it('a model that was altered is not run, and the reason is told', async () => {
    await cli('push', `${MODELS}/add.onnx`);
    const file = join(root, 'store/models/add/1/files/add.onnx');
    const bytes = await readFile(file);
    bytes.writeUInt8(bytes.readUInt8(60) ^ 1, 60);
    await writeFile(file, bytes);
    expect(await cli('predict', 'add', request, '--json')).toMatchObject({
      exitCode: 1,
      json: { code: 'MODEL_INVALID', error: expect.stringContaining('its bundle says') },
    });
  });

  it('a broken model does not hide the others', async () => {
    await givePushed('add.onnx');
    await cli('push', `${MODELS}/pairs.onnx`, '--dimension', 'batch=2');
    await writeFile(join(root, 'store/models/pairs/routing.json'), '{"stable": 1}');
    const { json } = await cli('list', '--json');
    expect(json.models).toMatchObject([
      { name: 'add', version: 1 },
      { name: 'pairs', problem: expect.stringContaining('formatVersion') },
    ]);
  });

  it('nothing stays behind in the temporary directory, not even after a refusal', async () => {
    await givePushed('add.onnx');
    await writeFile(join(root, 'other.json'), '{"inputs": [{"name": "c", "datatype": "FP32"}]}');
    const predict = (input: string) =>
      inProcess(['predict', 'add', input, '--store', join(root, 'store')], { TMPDIR: root });
    expect(await predict(request)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('[11,22,33]') });
    expect(await predict(join(root, 'other.json'))).toMatchObject({ exitCode: 1 });
    expect((await readdir(root)).sort()).toEqual(['other.json', 'red.png', 'request.json', 'store']);
  });

  describe('a push is refused', () => {
    /** A copy of the colours with one file changed; undefined removes it. */
    const colours = async (file: string, content: unknown): Promise<string> => {
      const folder = join(root, 'changed');
      await cp(`${MODELS}/colours`, folder, { recursive: true });
      if (content === undefined) await rm(join(folder, file));
      else await writeFile(join(folder, file), JSON.stringify(content));
      return folder;
    };
    const write = async (bytes: string | Buffer): Promise<string> => {
      await writeFile(join(root, 'written.onnx'), bytes);
      return join(root, 'written.onnx');
    };
    const config = (id2label: unknown) => ({ architectures: ['ColoursForImageClassification'], id2label });

    it.each<[string, RegExp, () => string | Promise<string>]>([
      ['bfloat16 inputs', /bfloat16.*float32/, () => `${MODELS}/bfloat16-input.onnx`],
      ['bfloat16 outputs', /bfloat16.*float32/, () => `${MODELS}/bfloat16-output.onnx`],
      ['an unknown operator', /operator.*FoldProtein/, () => `${MODELS}/unknown-operator.onnx`],
      ['an opset to come', /newer opset.*Opset 99/, () => `${MODELS}/future-opset.onnx`],
      ['outputs that are no tensors', /"parts" is a sequence or map/, () => `${MODELS}/sequence.onnx`],
      ['weights outside the folder', /\.\.\/secret\.bin, outside/, () => `${MODELS}/escaping-external-data.onnx`],
      [
        'missing weights',
        /model\.onnx_data(_1)?, which is missing/,
        async () => {
          await copyFile(`${MODELS}/external-data/model.onnx`, join(root, 'model.onnx'));
          return join(root, 'model.onnx');
        },
      ],
      ['an empty file', /written\.onnx is empty; copy or download it again/, () => write('')],
      [
        'a web page',
        /written\.onnx is a web page, and no model/,
        () => write('<!DOCTYPE html><html lang="en"></html>'),
      ],
      [
        'half a download',
        /not an ONNX file, or was cut short/,
        async () => {
          const path = join(root, 'half.onnx');
          await copyFile('models/efficientnet-lite0/onnx/model.onnx', path);
          await truncate(path, 5_000_000);
          return path;
        },
      ],
      ['what Git LFS has not fetched', /is a Git LFS pointer .*git lfs pull/, () => write(LFS_POINTER)],
      [
        'weights that Git LFS has not fetched',
        /model\.onnx_data(_1)? is a Git LFS pointer .*git lfs pull/,
        async () => {
          await cp(`${MODELS}/external-data`, join(root, 'weights'), { recursive: true });
          for (const name of ['model.onnx_data', 'model.onnx_data_1'])
            await writeFile(join(root, 'weights', name), LFS_POINTER);
          return join(root, 'weights');
        },
      ],
      ['no file', /no file or folder/, () => join(root, 'missing.onnx')],
      ['a wrong count of labels', /3 classes.*names 2/, () => colours('config.json', config({ 0: 'red', 1: 'green' }))],
      ['a gap in the labels', /no label for class 1/, () => colours('config.json', config({ 0: 'a', 2: 'b', 3: 'c' }))],
      ['no labels', /the graph has 3 classes/, () => colours('config.json', config(undefined))],
      ['no preprocessing', /no preprocessor_config\.json/, () => colours('preprocessor_config.json', undefined)],
      ['a broken preprocessing', /cannot be served/, () => colours('preprocessor_config.json', { size: 'large' })],
      [
        'pictures of another size',
        /640×480 pixels .* 16×16, the graph takes 8×8/,
        () => colours('preprocessor_config.json', { do_resize: true, size: { height: 16, width: 16 }, resample: 2 }),
      ],
    ])('a push is refused for %s, and nothing is written', async (_what, reason, path) => {
      const { exitCode, json, stderr } = await cli('push', await path(), '--json');
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
      expect(json.error).toMatch(reason);
      expect(json.error).not.toMatch(/\n|onnxruntime_src/);
      await expect(readdir(join(root, 'store'))).rejects.toThrow('ENOENT');
    });
  });

  it.each([
    [
      'an unknown model',
      ['predict', 'unknown', 'red.png'],
      'NOT_FOUND',
      1,
      /; push one to .* with: npx onnx-serverless push/,
    ],
    [
      'a model of which the name is mistyped',
      ['predict', 'colors', 'red.png'],
      'NOT_FOUND',
      1,
      /did you mean colours\?$/,
    ],
    [
      'a model of which the name is cut short',
      ['history', 'col'],
      'NOT_FOUND',
      1,
      /no model col; .*did you mean colours\?$/,
    ],
    ['an unknown version', ['predict', 'colours', 'red.png', '--version', '9'], 'NOT_FOUND', 1, /no version 9/],
    ['what is no version', ['show', 'colours', '--version', 'latest'], 'INVALID_REQUEST', 2, /versions are 1, 2, 3/],
    ['a file that is missing', ['predict', 'colours', 'blue.png'], 'NOT_FOUND', 1, /^there is no file .*blue\.png$/],
    ['a directory', ['predict', 'colours', 'test'], 'NOT_FOUND', 1, /^there is no file test: it is a directory$/],
    ['what is no picture', ['predict', 'colours', 'text.png'], 'INVALID_INPUT', 1, /./],
    ['tensors of another model', ['predict', 'colours', 'request.json'], 'INVALID_INPUT', 1, /"a": unknown/],
    ['a wrong parameter', ['predict', 'colours', 'red.png', '--parameter', 'top_k=0'], 'INVALID_REQUEST', 1, /top_k/],
    ['a parameter without a value', ['predict', 'colours', 'red.png', '--parameter', 'x'], 'INVALID_REQUEST', 2, /=/],
    ['buckets to empty', ['empty', '--yes'], 'INVALID_REQUEST', 1, /remove the directory/],
    ['dead letters of a directory', ['redrive'], 'INVALID_REQUEST', 1, /no queue of dead letters/],
    ['a limit of nothing', ['redrive', '--limit', '0'], 'INVALID_REQUEST', 2, /from 1 to/],
    ['a stage and a directory', ['list', '--stage', 'dev'], 'INVALID_REQUEST', 2, /not both/],
  ])('%s is refused with a reason', async (_what, words, code, expected, reason) => {
    await givePushed('colours');
    await writeFile(join(root, 'text.png'), 'no picture');
    const inRoot = words.map((word) => (/\.(png|json)$/.test(word) ? join(root, word) : word));
    const { exitCode, json } = await cli(...inRoot, '--json');
    expect({ exitCode, code: json.code }).toEqual({ exitCode: expected, code });
    expect(json.error).toMatch(reason);
  });
});

describe('a store that is no directory', () => {
  const commands = [
    ['list'],
    ['show', 'm'],
    ['predict', 'm', 'package.json'],
    ['evaluate', 'm', '--data', 'models/sentiment/held-out.tsv'],
    ['verify', 'm'],
    ['pull', 'm', 'pulled'],
    ['history', 'm'],
    ['promote', 'm', '1'],
  ];

  it.each(commands)('a store that is no directory is refused by %s', async (...words) => {
    const missing = await runCli([...words, '--store', join(root, 'missing'), '--json']);
    expect(missing).toMatchObject({ exitCode: 1, json: { code: 'NOT_FOUND' } });
    expect(missing.json.error).toMatch(
      /^there is no directory .*missing; a push makes it: .*push .* --store .*missing$/,
    );
    const file = await runCli([...words, '--store', red, '--json']);
    expect(file).toMatchObject({ exitCode: 1, json: { code: 'INVALID_REQUEST' } });
    expect(file.json.error).toMatch(/red\.png is a file, expected a directory$/);
  });

  it('a store that is a file is refused by push', async () => {
    const { exitCode, stderr } = await runCli(['push', `${MODELS}/add.onnx`, '--store', red]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/red\.png is a file, expected a directory\n$/);
  });
});

/** Answers DescribeStacks with the outputs of each stack; null stands for a stack without any. */
const startCloudFormation = async (stacks: Readonly<Record<string, Record<string, string> | null>>) => {
  const server = createServer(async (incoming, response) => {
    const name = new URLSearchParams(await text(incoming)).get('StackName') ?? '';
    const outputs = stacks[name];
    const members = Object.entries(outputs ?? {})
      .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
      .join('');
    const stack = `<member><StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members}</Outputs></member>`;
    response.statusCode = outputs === undefined ? 400 : 200;
    response.setHeader('content-type', 'text/xml');
    response.end(
      outputs === undefined
        ? `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message></Error></ErrorResponse>`
        : `<DescribeStacksResponse><DescribeStacksResult><Stacks>${stack}</Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
};

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const UPLOAD_QUEUE = { name: 'UploadQueue', visibilityTimeoutSeconds: 30 };
const DEAD_LETTERS = { name: 'UploadDeadLetterQueue', visibilityTimeoutSeconds: 30 };

describe('with what is deployed', () => {
  let storage: EmbeddedStorage;
  let serving: TestServing;
  let api: Server;
  let cloudFormation: Server;
  let authorizations: (string | undefined)[];
  let gatewayAnswer: { status: number; body: string } | undefined;
  let projectDirectory: string;

  beforeAll(async () => {
    storage = await startEmbeddedStorage({
      queues: [{ ...UPLOAD_QUEUE, redrive: { deadLetterQueue: DEAD_LETTERS.name, maxReceiveCount: 5 } }, DEAD_LETTERS],
      notifications: [{ bucket: 'test-data', prefix: 'uploads/dead/', queue: DEAD_LETTERS.name }],
    });
    const { client, modelsBucket, dataBucket } = storage;
    serving = await createTestServing({
      models: createS3UploadStore(client, modelsBucket),
      data: createS3UploadStore(client, dataBucket),
    });
    const fetchApplication = toFetch(createApplication(serving));
    const answer = getRequestListener((incoming) =>
      fetchApplication(incoming, { requestId: 'test', deadline: deadlineAt(Date.now() + 30_000) }),
    );
    api = createServer((incoming, response) => {
      authorizations.push(incoming.headers.authorization);
      if (gatewayAnswer === undefined) answer(incoming, response);
      else response.writeHead(gatewayAnswer.status).end(gatewayAnswer.body);
    });
    await once(api.listen(0, '127.0.0.1'), 'listening');
    const queue = { UploadDeadLetterQueue: storage.queueUrl(DEAD_LETTERS.name) };
    const outputs = { Endpoint: urlOf(api), ModelsBucket: modelsBucket, DataBucket: dataBucket, ...queue };
    cloudFormation = await startCloudFormation({ 'photos-dev': outputs, 'photos-failed': null });
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_S3: storage.endpoint,
      AWS_ENDPOINT_URL_SQS: storage.endpoint,
      AWS_ENDPOINT_URL_CLOUDFORMATION: urlOf(cloudFormation),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'eu-west-1',
    });
  });

  afterAll(async () => {
    for (const server of [api, cloudFormation]) {
      server.closeAllConnections();
      await once(server.close(), 'close');
    }
    await serving.remove();
    await storage.stop();
  });

  beforeEach(async () => {
    authorizations = [];
    gatewayAnswer = undefined;
    projectDirectory = join(root, 'project');
    await mkdir(join(projectDirectory, '.local'), { recursive: true });
    await writeFile(join(projectDirectory, 'serverless.yml'), '# Photos\nservice: photos # by name\nprovider: {}\n');
    const { endpoint: s3Endpoint, modelsBucket, dataBucket } = storage;
    const local = { endpoint: urlOf(api), s3Endpoint, modelsBucket, dataBucket };
    await writeFile(join(projectDirectory, '.local/endpoint.json'), JSON.stringify(local));
  });

  const cli = (...words: string[]) => runCli(words, { projectDirectory });
  const keys = async (bucket: string): Promise<(string | undefined)[]> => {
    const { Contents = [] } = await storage.client.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key }) => Key);
  };

  describe.each([
    ['the local server', [], []],
    ['a stage', ['--stage', 'dev'], [expect.stringContaining('/eu-west-1/execute-api/aws4_request')]],
  ])('%s', (target, options, signed) => {
    it(`${target} takes models and answers requests`, async () => {
      const pushed = await cli('push', `${MODELS}/colours`, ...options, '--json');
      expect(pushed.json).toMatchObject({ name: 'colours', location: 's3://test-models' });
      const listed = await cli('list', ...options, '--json');
      expect(listed.json.models).toMatchObject([{ name: 'colours' }]);
      const { json } = await cli('predict', 'colours', red, ...options, '--json', '--top-k', '1');
      expect(json).toMatchObject({ model: 'colours', result: [{ label: 'red', score: expect.any(Number) }] });
      expect(authorizations).toEqual(signed.length > 0 ? signed : [undefined]);
    });

    it(`${target} says when warm functions follow a change, once it was made`, async () => {
      await cli('push', `${MODELS}/add.onnx`, ...options);
      await cli('push', `${MODELS}/add.onnx`, ...options);
      const change = ['canary', 'add', '2', '--weight', '10%', ...options];
      expect(await cli(...change, '--dry-run')).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await cli(...change)).toMatchObject({
        exitCode: 0,
        stderr: expect.stringMatching(/^Warm functions.* 30 s/),
      });
      expect(await cli(...change)).toMatchObject({ stdout: 'add stays as it is\n', stderr: '' });
      await cli('empty', ...options, '--yes');
    });

    it(`${target} is sent an input that exceeds a request through its data bucket, once`, async () => {
      await cli('push', `${MODELS}/colours`, ...options);
      const path = join(root, 'Large.PNG');
      await sharp(randomBytes(1300 * 1300 * 3), { raw: { width: 1300, height: 1300, channels: 3 } })
        .png()
        .toFile(path);
      for (const _time of [1, 2]) {
        const { exitCode, stdout, stderr } = await cli('predict', 'colours', path, ...options);
        expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('0.3') });
        expect(stderr).toMatch(/5\.1 MB, more than a request carries.*s3:\/\/test-data\/uploads\/colours/);
      }
      const uploads = (await keys(storage.dataBucket)).filter((key) => key?.startsWith('uploads/colours/sha256/'));
      expect(uploads).toEqual([expect.stringMatching(/^uploads\/colours\/sha256\/[0-9a-f]{64}\.png$/)]);
      await cli('empty', ...options, '--yes');
    });

    it(`${target} gets its dead letters back to the queue that they came from, as many as are asked for`, async () => {
      const { client, dataBucket: Bucket } = storage;
      const dead = ['a', 'b', 'c'].map((name) => `uploads/dead/${name}`);
      for (const Key of dead) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      const redrive = async (...words: string[]) => (await cli('redrive', ...options, '--json', ...words)).json;

      expect(await redrive('--dry-run')).toEqual({ found: 3, moved: 0, dryRun: true });
      expect(await redrive('--limit', '1')).toEqual({ found: 3, moved: 1, dryRun: false });
      expect(await redrive()).toEqual({ found: 2, moved: 2, dryRun: false });

      const again = await cli('redrive', ...options);
      expect(again).toMatchObject({ exitCode: 0, stdout: 'Sent 0 messages of 0 back to the queue\n' });
      const sqs = new SQSClient({});
      const QueueUrl = storage.queueUrl(UPLOAD_QUEUE.name);
      const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
      const { Messages = [] } = await sqs.send(command);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      sqs.destroy();
      expect(Messages.map(({ Body }) => /uploads\/dead\/./.exec(Body ?? '')?.[0]).toSorted()).toEqual(dead);
      await cli('empty', ...options, '--yes');
    });

    it(`${target} is emptied when that is confirmed, and only then`, async () => {
      const { client, modelsBucket, dataBucket } = storage;
      await cli('push', `${MODELS}/add.onnx`, ...options);
      await client.send(new PutObjectCommand({ Bucket: dataBucket, Key: 'uploads/add/a b.json', Body: '{}' }));
      await client.send(new CreateMultipartUploadCommand({ Bucket: dataBucket, Key: 'uploads/add/unfinished' }));

      const unasked = await cli('empty', ...options);
      expect(unasked).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--yes') });
      const declined = await runCli(['empty', ...options], { projectDirectory, answer: 'n\n' });
      expect(declined).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('nothing was deleted') });
      expect(declined.stderr).toMatch(/s3:\/\/test-models \(\d+ .*s3:\/\/test-data \(1 objects.*1 unfinished/);
      expect(await keys(modelsBucket)).toContain('models/add/1/bundle.json');

      expect(await runCli(['empty', ...options], { projectDirectory, answer: 'y\n' })).toMatchObject({ exitCode: 0 });
      expect([await keys(modelsBucket), await keys(dataBucket)]).toEqual([[], []]);
      const again = await cli('empty', ...options, '--json');
      expect(again.json.buckets).toEqual([
        { name: modelsBucket, versions: 0, unfinishedUploads: 0 },
        { name: dataBucket, versions: 0, unfinishedUploads: 0 },
      ]);
    });
  });

  it.each([
    [403, '{"message":"Forbidden"}', 'INVALID_REQUEST', /403: Forbidden; .*execute-api:Invoke/],
    [404, '{"message":"Not Found"}', 'INVALID_REQUEST', /404: Not Found/],
    [429, '{"message":"Too Many Requests"}', 'MODEL_UNAVAILABLE', /429: Too Many Requests/],
    [502, '<html>Bad Gateway</html>', 'MODEL_UNAVAILABLE', /502: <html>/],
    [422, '{"error":"no picture","code":"INVALID_INPUT","requestId":"1"}', 'INVALID_INPUT', /^no picture$/],
  ])('an endpoint that answers %i %s is a failure', async (status, body, code, reason) => {
    gatewayAnswer = { status, body };
    const { exitCode, json } = await cli('predict', 'colours', red, '--json');
    expect({ exitCode, code: json.code }).toEqual({ exitCode: 1, code });
    expect(json.error).toMatch(reason);
  });

  it('a stage that does not exist is named with the command that makes it', async () => {
    const { exitCode, stderr } = await cli('list', '--stage', 'prod', '--region', 'us-west-2');
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'there is no stack photos-prod in us-west-2; deploy it with: npx sls deploy --stage prod, or name another --region\n',
    );
  });

  it('a stage that was not deployed whole is told', async () => {
    const { exitCode, stderr } = await cli('list', '--stage', 'failed');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('stack photos-failed (CREATE_COMPLETE) has no output Endpoint');
  });

  it('a local server that was never started, or has ended, is told with the way to start it', async () => {
    const path = join(projectDirectory, '.local/endpoint.json');
    await writeFile(path, JSON.stringify({ endpoint: 'http://127.0.0.1:1', s3Endpoint: 'http://127.0.0.1:1' }));
    for (const prepare of [async () => {}, () => rm(path)]) {
      await prepare();
      const { exitCode, json } = await cli('list', '--json');
      expect(exitCode).toBe(1);
      expect(json).toMatchObject({ code: 'NOT_FOUND', error: expect.stringMatching(/npm start.*--stage.*--store/) });
    }
  });
});

const started: ChildProcess[] = [];

/** Runs the command line as a process of its own. */
const inProcess = async (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  meddle: (child: ChildProcess) => void = () => {},
) => {
  const child = spawn(process.execPath, ['cli/main.ts', ...words], { env: { ...process.env, ...environment } });
  started.push(child);
  meddle(child);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout).catch(() => 'closed'),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, exitCode: exitCode as number };
};

describe('as a process', () => {
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
  });

  it.each([
    [0, ['--help'], /Usage: npx onnx-serverless <command>/, /^$/],
    [0, ['predict', '--help'], /--top-k <count>/, /^$/],
    [0, ['--version'], /^\d+\.\d+\.\d+\n$/, /^$/],
    [1, ['show', 'unknown', '--store', 'test'], /^$/, /^no model unknown; push one to .*\n$/],
    [2, ['psuh'], /^$/, /^there is no command psuh; did you mean push\? .*\n$/],
    [2, ['list', '--json', '--sotre'], /^\{"error":"Unknown option.*--store\?.*\}\n$/, /^$/],
    [1, ['show', 'x', '--store', 'test', '--debug'], /^$/, /no model x.*\n[\s\S]*cli\/commands\/show\.ts:\d+/],
  ])('the command line exits with %i after %j', async (exitCode, words, stdout, stderr) => {
    const run = await inProcess(words);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout).toMatch(stdout);
    expect(run.stderr).toMatch(stderr);
  });

  it('the command line ends quietly when its output is not read', async () => {
    const run = await inProcess(['--help'], {}, ({ stdout }) => stdout?.destroy());
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  });

  const fullDisk = '/dev/full';
  (existsSync(fullDisk) ? it : it.skip)('a full disk ends the command line with one line', async () => {
    const child = spawn('sh', ['-c', `"$0" cli/main.ts --help > ${fullDisk}`, process.execPath]);
    started.push(child);
    const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^the output cannot be written: ENOSPC.*\n$/)]);
  });

  it('a file without an end is refused, and not read until the memory is full', async () => {
    const run = await inProcess(['predict', 'iris', '/dev/zero', '--store', root]);
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: '/dev/zero has more than the 52.4 MB that are read\n',
    });
  });

  it('the command line ends at Ctrl-C while it waits', async () => {
    const silent = createServer().unref();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const environment = {
      AWS_ENDPOINT_URL_CLOUDFORMATION: urlOf(silent),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    const run = await inProcess(['list', '--stage', 'dev'], environment, (child) => {
      silent.once('request', () => child.kill('SIGINT'));
    });
    expect(run).toEqual({ exitCode: 130, stdout: '', stderr: '\n' });
    await once(silent.close(), 'close');
  });

  it('a push that is interrupted says how to go on, and leaves no temporary files', async () => {
    const places = { Endpoint: 'http://127.0.0.1:1', ModelsBucket: 'models', DataBucket: 'data' };
    const cloudFormation = await startCloudFormation({ 'onnx-serverless-dev': places });
    /** An empty bucket that never answers a write. */
    const storage = createServer((incoming, response) => {
      if (incoming.method === 'PUT') return;
      const isList = incoming.url?.includes('list-type=2') ?? false;
      response.writeHead(isList ? 200 : 404, { 'content-type': 'application/xml' });
      response.end(
        isList
          ? '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
          : '<Error><Code>NoSuchKey</Code></Error>',
      );
    });
    await once(storage.listen(0, '127.0.0.1'), 'listening');
    const temporary = join(root, 'temporary files');
    await mkdir(temporary);
    const environment = {
      ...{ AWS_ENDPOINT_URL_CLOUDFORMATION: urlOf(cloudFormation), AWS_ENDPOINT_URL_S3: urlOf(storage) },
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', TMPDIR: temporary },
    };
    let before: readonly string[] = [];
    // Node keeps its compile cache in the temporary directory.
    const pushFolders = async () => (await readdir(temporary)).filter((name) => name !== 'node-compile-cache');
    const model = `${MODELS}/add.onnx`;
    const run = await inProcess(['push', model, '--note', 'a b', '--stage', 'dev'], environment, (child) => {
      storage.on('request', async ({ method }) => {
        if (method !== 'PUT') return;
        before = await pushFolders();
        child.kill('SIGINT');
      });
    });
    for (const server of [storage, cloudFormation]) {
      server.closeAllConnections();
      await once(server.close(), 'close');
    }

    expect(run).toMatchObject({ exitCode: 130, stdout: '' });
    expect(run.stderr).toContain(`Go on with: npx onnx-serverless push ${model} --note 'a b' --stage dev --resume\n`);
    expect(before).toHaveLength(1);
    expect(await pushFolders()).toEqual([]);
  });

  it('a stage without credentials is told as such, and not as a fault of the program', async () => {
    const others = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));
    const environment = {
      HOME: root,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_CLOUDFORMATION: 'http://127.0.0.1:1',
    };
    const child = spawn(process.execPath, ['cli/main.ts', 'list', '--stage', 'dev', '--json'], {
      env: { ...others, ...environment },
    });
    started.push(child);
    expect(JSON.parse(await text(child.stdout))).toMatchObject({
      code: 'UNAUTHORIZED',
      error: expect.stringMatching(/^no AWS credentials: .*; set AWS_PROFILE, or sign in with aws sso login$/),
    });
  });

  it('npx starts the command line on the Node that the project pins', async () => {
    const path = process.env.PATH?.split(delimiter).filter((folder) => !folder.endsWith('node_modules/.bin'));
    const environment = {
      PATH: path?.join(delimiter),
      npm_config_offline: 'true',
      npm_config_cache: join(root, 'npm'),
    };
    const child = spawn('npx', ['onnx-serverless', 'list', '--json', '--store', root], {
      cwd: 'test',
      env: { ...process.env, ...environment },
    });
    started.push(child);
    expect(JSON.parse(await text(child.stdout))).toEqual({ models: [] });
  });
});
