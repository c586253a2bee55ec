import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { optimiseModel } from '../../src/optimise/optimise-model.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type Ran, runCli } from '../support/command-line.ts';
import { startEmbeddedStorage } from '../support/embedded-storage.ts';
import { toOnnxFile } from '../support/onnx-graph.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushModel } from '../support/tried-models.ts';

const HELD_OUT = 'models/sentiment/held-out.tsv';
/** For tests that need some samples and no figures of them: each candidate answers all samples. */
const FEW_SAMPLES = 8;
const FOLDER = 'test/fixtures/models';

let root: string;
let few: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cli-optimise-'));
  const lines = (await readFile(HELD_OUT, 'utf8')).split('\n').slice(0, 1 + FEW_SAMPLES);
  few = await file('few.tsv', lines.join('\n'));
});
afterAll(() => rm(root, { recursive: true }));

const cli = (...words: string[]): Promise<Ran> => runCli([...words, '--store', join(root, 'store')]);
const push = async (path: string, name: string): Promise<void> => {
  expect(await cli('push', path, '--name', name)).toMatchObject({ exitCode: 0 });
};
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(root, name), text);
  return join(root, name);
};
const sentences = (count: number): string =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({ text: `Sentence ${index} is a good one, and its number is ${index * 7}.` }),
  ).join('\n');

describe('optimise', () => {
  /** Runs the command in a process of its own, whose temporary files lie in a folder of their own. */
  const start = async (name: string, data: string, limits: string, methods: string) => {
    const scratch = join(root, name);
    await mkdir(scratch);
    const words = ['cli/main.ts', 'optimise', name, '--data', data, '--methods', methods];
    const child = spawn('sh', ['-c', `${limits} exec node "$0" "$@"`, ...words, '--store', join(root, 'store')], {
      env: { ...process.env, TMPDIR: scratch },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = Promise.all([once(child, 'close'), text(child.stderr)]).then(([[exitCode], stderr]) => ({
      exitCode: Number(exitCode),
      stderr,
    }));
    const leftovers = async (): Promise<string[]> =>
      (await readdir(scratch)).filter((file) => file !== 'node-compile-cache');
    return { scratch, child, ended, leftovers };
  };

  it('makes no version and leaves nothing behind after Ctrl-C', async () => {
    await push('models/sentiment', 'interrupted');
    const { scratch, child, ended, leftovers } = await start(
      'interrupted',
      HELD_OUT,
      '',
      'int8-dynamic,int8-static,float16-weights',
    );
    const isTrying = async (): Promise<boolean> =>
      (await readdir(scratch, { recursive: true })).some((path) => path.includes('candidates/candidate-'));
    while (!(await isTrying().catch(() => false))) await sleep(20);
    child.kill('SIGINT');
    const { exitCode, stderr } = await ended;
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining('A version appears only when it is whole.'),
    });
    expect(await leftovers()).toEqual([]);
    expect((await cli('show', 'interrupted', '--json')).json).toMatchObject({ versions: [1], routing: { stable: 1 } });
  });

  it.each([100, 400])(
    'says of a disk with room for %i blocks that it is full, and makes no version',
    async (blocks) => {
      const name = `full-${blocks}`;
      await push('models/sentiment', name);
      const { ended, leftovers } = await start(name, few, `ulimit -f ${blocks};`, 'float16-weights');
      const { exitCode, stderr } = await ended;
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('the disk has no room for the files of optimise; free some in '),
      });
      expect(await leftovers()).toEqual([]);
      expect((await cli('show', name, '--json')).json).toMatchObject({ versions: [1] });
    },
  );

  it('optimises a model in S3', async () => {
    const storage = await startEmbeddedStorage();
    try {
      const store = createS3UploadStore(createTestS3Client(storage.endpoint), storage.modelsBucket);
      const repository = createModelRepository(store);
      await pushModel(repository, 'models/sentiment', { name: 'sentiment' });
      const { version } = await optimiseModel(repository, await repository.bundle('sentiment', 1), {
        ...{
          data: few,
          methods: ['float16-weights'],
          maxLoss: 1,
          canary: 0.1,
          dryRun: false,
          onStep: () => {},
        },
      });
      expect(version).toBe(2);
      expect((await repository.routing('sentiment')).routing).toMatchObject({
        stable: 1,
        canary: { version: 2, weight: 0.1 },
      });
      const { files, task } = await repository.bundle('sentiment', 2);
      expect(task).toBe('text-classification');
      expect(files.map(({ path }) => path)).toContain('optimisation.json');
    } finally {
      await storage.stop();
    }
  });

  it('pushes the best that passes with its report, as a canary, which is promoted and rolled back', async () => {
    await push('models/sentiment', 'sentiment');

    const { exitCode, stdout } = await cli(
      'optimise',
      'sentiment',
      '--data',
      HELD_OUT,
      '--canary',
      '10%',
      '--methods',
      'int8-dynamic,float16-weights',
    );

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toMatch(/original .*accuracy 85\.19 %/);
    expect(stdout).toMatch(/Pushed sentiment version 2 with \S+; it answers 10 % of the requests\n/);
    expect((await cli('show', 'sentiment', '--json')).json).toMatchObject({
      routing: { stable: 1, canary: { version: 2 } },
    });
    const folder = join(root, 'store', 'models', 'sentiment', '2', 'files');
    const report = JSON.parse(await readFile(join(folder, 'optimisation.json'), 'utf8'));
    expect(report).toMatchObject({
      from: { name: 'sentiment', version: 1 },
      samples: { count: 594, answered: 594, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      attempts: [{ method: 'int8-dynamic', loss: { metric: 'accuracy' } }, { method: 'float16-weights' }],
    });
    const answers = await cli('predict', 'sentiment/2', 'models/sentiment/samples/review.txt', '--json');
    expect(answers).toMatchObject({ exitCode: 0, json: { version: 2 } });
    expect(await cli('promote', 'sentiment', '2')).toMatchObject({ exitCode: 0 });
    expect((await cli('rollback', 'sentiment')).stdout).toMatch(/stable 2 → 1/);
  });

  it('runs the rows of a graph one by one whose activations are quantised while it runs', async () => {
    await push('models/sentiment', 'row-by-row');
    const words = ['--data', few, '--methods', 'int8-dynamic', '--max-loss', '100%'];
    expect(await cli('optimise', 'row-by-row', ...words)).toMatchObject({ exitCode: 0 });
    const bundle = JSON.parse(await readFile(join(root, 'store', 'models', 'row-by-row', '2', 'bundle.json'), 'utf8'));
    expect(bundle).toMatchObject({ maxBatch: 1, source: 'version 1 of row-by-row, optimised: int8-dynamic' });
  });

  it('pushes nothing when nothing passes, and says by how much', async () => {
    await push(join(FOLDER, 'tiny-bert-ner'), 'entities');

    const data = await file('texts.jsonl', sentences(3));
    const { exitCode, stdout, json } = await cli(
      'optimise',
      'entities',
      '--data',
      data,
      '--methods',
      'int8-dynamic',
      '--json',
    );

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 3 });
    expect(json).not.toHaveProperty('version');
    expect(json).toMatchObject({
      attempts: expect.arrayContaining([expect.objectContaining({ outcome: 'loses too much' })]),
    });
    const attempts = Object(json).attempts;
    expect(attempts.length).toBeGreaterThan(1); // the worst layers were kept
    expect(attempts[1].kept[0]).toBe(Object(json).layerErrors['int8-dynamic'][0].layer);
    expect((await cli('show', 'entities', '--json')).json).toMatchObject({ versions: [1] });
  });

  it.each([
    ['no data', [], 2, /--data is missing, expected a file or a folder/],
    ['data that is not there', ['--data', 'nowhere.jsonl'], 1, /there is no file or folder nowhere\.jsonl/],
    [
      'a method that does not exist',
      ['--data', HELD_OUT, '--methods', 'int2'],
      2,
      /--methods has int2, expected some of structure,/,
    ],
    [
      'a loss that is none',
      ['--data', HELD_OUT, '--max-loss', 'little'],
      2,
      /--max-loss is little, expected a share of the metric such as/,
    ],
  ])('refuses %s', async (_name, words, expected, message) => {
    const ran = await cli('optimise', 'sentiment', ...words);
    expect(ran.exitCode).toBe(expected);
    expect(ran.stderr).toMatch(message);
  });

  it('refuses samples of another task, and a model that is quantised already', async () => {
    const samples = ['--data', 'models/efficientnet-lite0/samples'];
    expect((await cli('optimise', 'sentiment', ...samples)).stderr).toMatch(
      /no sample that the task text-classification answers; .*chelsea\.jpg: /,
    );
    await push(join(FOLDER, 'dynamically-quantised'), 'quantised');
    expect((await cli('optimise', 'quantised', ...samples)).stderr).toMatch(
      /is quantised already \(it has DynamicQuantizeLinear\)/,
    );
  });

  it.each([
    [
      'a label that the model has not',
      { text: 'good', label: 'FINE' },
      /has the label "FINE", expected one of NEGATIVE, POSITIVE/,
    ],
    [
      'a file of JSON without inputs',
      { file: resolve('package.json') },
      /line 1 of wrong\.jsonl: the JSON body needs "inputs"/,
    ],
    ['a file that is not there', { file: 'gone.txt' }, /line 1 of wrong\.jsonl: the file cannot be read: ENOENT/],
  ])('refuses %s, and names the sample', async (_name, line, message) => {
    const data = await file('wrong.jsonl', JSON.stringify(line));
    expect((await cli('optimise', 'sentiment', '--data', data)).stderr).toMatch(message);
  });

  it.each([
    ['an empty file', () => file('empty.jsonl', '')],
    ['an empty folder', () => mkdtemp(join(root, 'empty-'))],
  ])('refuses %s', async (_name, create) => {
    expect(await cli('optimise', 'sentiment', '--data', await create())).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^--data .*empty.* has no samples/),
    });
  });

  it('says of three samples that the interval is wide, and pushes nothing', async () => {
    await push('models/sentiment', 'few');
    const texts = [
      ['A good film', 'POSITIVE'],
      ['A bad film', 'NEGATIVE'],
      ['A great film', 'POSITIVE'],
    ];
    const data = await file('few.jsonl', texts.map(([text, label]) => JSON.stringify({ text, label })).join('\n'));

    const { exitCode, stdout } = await cli('optimise', 'few', '--data', data, '--methods', 'float16-weights');

    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/3 samples are few: intervals are wide/);
    expect(stdout).toMatch(/the interval of 3 samples is that wide: give more samples/);
    expect((await cli('show', 'few', '--json')).json).toMatchObject({ versions: [1] });
  });

  it('goes on after a candidate that cannot be loaded, and says why', async () => {
    const spec = (name: string, shape: readonly (number | string)[]) => ({ name, dtype: 'float32', shape }) as const;
    const weights = Float32Array.from({ length: 64 * 64 }, (_, index) => Math.sin(index * 1.7));
    const graph = {
      inputs: [spec('x', ['n', 64])],
      outputs: [spec('y', ['n', 64])],
      weights: [{ ...spec('w', [64, 64]), data: weights }],
      nodes: [
        { operator: 'Tanh', inputs: ['x'], outputs: ['w_quantized'] }, // the name that int8 takes
        { operator: 'MatMul', inputs: ['w_quantized', 'w'], outputs: ['y'] },
      ],
    };
    await writeFile(join(root, 'taken.onnx'), toOnnxFile(graph));
    await push(join(root, 'taken.onnx'), 'taken');
    const line = { name: 'x', datatype: 'FP32', shape: [1, 64], data: Array.from(weights.subarray(0, 64)) };
    const data = await file('taken.jsonl', JSON.stringify({ inputs: [line] }));

    const words = ['--data', data, '--max-loss', '100%', '--methods', 'int8-dynamic,float16-weights', '--json'];
    const { exitCode, json } = await cli('optimise', 'taken', ...words);

    // The second one is pushed if it gains enough, which is a matter of time.
    const { version, attempts } = Object(json);
    expect([exitCode, version]).toEqual(attempts[1].outcome === 'passes' ? [0, 2] : [3, undefined]);
    expect(json).toMatchObject({
      attempts: [
        {
          outcome: 'fails',
          reason: expect.stringMatching(
            /^Load model from candidate-\w+\/taken\.onnx failed.* definition of name \(w_quantized\)/,
          ),
        },
        { method: 'float16-weights', figures: { bytes: expect.any(Number) } },
      ],
    });
  });

  it('says of a graph without weights that there is nothing to change', async () => {
    const specs = (name: string) => ({ name, dtype: 'float32', shape: ['n', 2] }) as const;
    const graph = {
      inputs: [specs('x')],
      outputs: [specs('y')],
      nodes: [{ operator: 'Exp', inputs: ['x'], outputs: ['y'] }],
    };
    await writeFile(join(root, 'exp.onnx'), toOnnxFile(graph));
    await push(join(root, 'exp.onnx'), 'exp');
    const line = (value: number): string =>
      JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [value, 1] }] });
    const data = await file('x.jsonl', line(1));

    const { exitCode, stdout } = await cli('optimise', 'exp', '--data', data);

    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/int8-dynamic .*fails: it finds nothing to change in the graph/);
    expect(stdout).toMatch(/1 samples are few: intervals are wide/);
  });

  it('fixes the sizes that all samples share when asked, and the new version refuses others', async () => {
    const spec = (name: string, shape: readonly (number | string)[]) => ({ name, dtype: 'float32', shape }) as const;
    const weights = [{ ...spec('w', [1, 4096]), data: new Float32Array(4096).fill(0.5) }];
    const nodes = [
      { operator: 'ReduceSum', inputs: ['x', 'axis'], outputs: ['sum'] },
      { operator: 'Add', inputs: ['sum', 'w'], outputs: ['y'] },
    ];
    const axis = { name: 'axis', dtype: 'int64', shape: [1], data: BigInt64Array.of(1n) } as const;
    const graph = { inputs: [spec('x', ['n', 's'])], outputs: [spec('y', ['n', 4096])], nodes };
    await writeFile(join(root, 'sizes.onnx'), toOnnxFile({ ...graph, weights: [...weights, axis] }));
    await push(join(root, 'sizes.onnx'), 'sizes');
    const line = (...data: number[]): string =>
      JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, data.length], data }] });
    const alike = await file('alike.jsonl', [line(1, 2, 3), line(4, 5, 6)].join('\n'));
    const unlike = await file('unlike.jsonl', [line(1, 2, 3), line(4, 5)].join('\n'));
    const words = ['--fixed-sizes', '--methods', 'float16-weights', '--max-loss', '100%'];

    const refused = await cli('optimise', 'sizes', '--data', unlike, ...words);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/--fixed-sizes finds no size to fix/) });

    const { exitCode, stdout } = await cli('optimise', 'sizes', '--data', alike, ...words);

    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toMatch(/Fixed sizes: x float32\[n,3\]; other sizes will be refused/);
    await cli('promote', 'sizes', '2');
    const predict = async (text: string): Promise<Ran> => cli('predict', 'sizes', await file('request.json', text));
    expect(await predict(line(1, 2, 3))).toMatchObject({ exitCode: 0 });
    expect(await predict(line(1, 2))).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/input "x"/) });
  });

  it('names the tensor in which calibration meets NaN', async () => {
    const spec = (name: string) => ({ name, dtype: 'float32', shape: ['n', 2] }) as const;
    const nodes = [
      { operator: 'Log', inputs: ['x'], outputs: ['logarithm'] },
      { operator: 'Mul', inputs: ['logarithm', 'x'], outputs: ['y'] },
    ];
    await writeFile(join(root, 'log.onnx'), toOnnxFile({ inputs: [spec('x')], outputs: [spec('y')], nodes }));
    await push(join(root, 'log.onnx'), 'log');
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [-1, 1] }];
    const data = await file('negative.jsonl', JSON.stringify({ inputs }));

    const { exitCode, stdout } = await cli('optimise', 'log', '--data', data, '--methods', 'int8-static');

    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/int8-static .*fails: calibration met NaN in the tensor logarithm/);
  });
});
