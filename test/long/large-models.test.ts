import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import { toField, toIntegerField } from '../../src/onnx/chunks.ts';
import { createGraph } from '../../src/onnx/graph-builder.ts';
import { ATTRIBUTE, GRAPH, MODEL, NODE } from '../../src/onnx/schema.ts';
import { writeMatmulModel } from '../bench/matmul-model.ts';
import { runCli } from '../support/command-line.ts';
import { answerOfForest, largeForest } from '../support/large-forest.ts';

const MB = 1_000_000;
const MODEL_BYTES = 300 * MB;
const LIST_BYTES = 96 * MB;
const NODES = 834_496;

/** The file of a graph y = x beside a constant of `sizeBytes / 2` integers, each of which is a field. */
const listModel = (sizeBytes: number): Buffer => {
  const graph = createGraph();
  graph.output('y', graph.input('x', 'float32', ['N', 1]), 'float32', ['N', 1]);
  const list = Buffer.alloc(sizeBytes, Buffer.concat(toIntegerField(ATTRIBUTE.integers, 1)));
  const attribute = [...toField(ATTRIBUTE.name, 'value_ints'), list, ...toIntegerField(ATTRIBUTE.type, 7)];
  const node = [
    ...toField(NODE.output, 'list'),
    ...toField(NODE.operator, 'Constant'),
    ...toField(NODE.attribute, attribute),
  ];
  return Buffer.concat([...graph.toModel(), ...toField(MODEL.graph, toField(GRAPH.node, node))]);
};

let root: string;
let path: string;
let small: string;
let list: string;
let external: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'large-models-'));
  [path, small, list] = [join(root, 'large.onnx'), join(root, 'small.onnx'), join(root, 'list.onnx')];
  await writeFile(list, listModel(LIST_BYTES));
  await writeMatmulModel(path, MODEL_BYTES);
  await writeMatmulModel(small, MB);
  external = join(root, 'external', 'model.onnx');
  await mkdir(join(root, 'external'));
  await writeMatmulModel(external, MODEL_BYTES, 'model.onnx.data');
  await mkdir(join(root, 'store'));
});
afterAll(() => rm(root, { recursive: true }));

/** The peak memory of a process that runs a command on its own. */
const peakOf = async (...words: string[]): Promise<number> => {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/support/peak-memory.ts', ...words]);
  const { exitCode, peakBytes } = JSON.parse(stdout) as { exitCode: number; peakBytes: number };
  expect(exitCode).toBe(0);
  return peakBytes;
};

describe('a large graph', () => {
  it.each([['inspect'], ['check'], ['push', '--no-bake', '--store', 'store']])(
    'a graph of 300 MB adds less than a third of its size to the memory of %s',
    async (command, ...options) => {
      const words = options.map((word) => (word === 'store' ? join(root, 'store') : word));
      const added = (await peakOf(command, path, ...words)) - (await peakOf(command, small, ...words));
      expect(added / (await stat(path)).size).toBeLessThan(1 / 3);
    },
  );

  it.each([['inspect'], ['check'], ['push', '--no-bake', '--store', 'store', '--name', 'external']])(
    'weights of 300 MB in a file beside the graph add less than a third of their size to the memory of %s',
    async (command, ...options) => {
      const words = options.map((word) => (word === 'store' ? join(root, 'store') : word));
      const added = (await peakOf(command, external, ...words)) - (await peakOf(command, small, ...words));
      expect((await stat(`${external}.data`)).size).toBeGreaterThan(MODEL_BYTES - MB);
      expect(added / MODEL_BYTES).toBeLessThan(1 / 3);
    },
  );

  it.each([['inspect'], ['check'], ['push', '--no-bake', '--store', 'store', '--name', 'list']])(
    'a list of 96 MB, whose elements are fields of their own as in trees, adds less than its size to the memory of %s',
    async (command, ...options) => {
      const words = options.map((word) => (word === 'store' ? join(root, 'store') : word));
      const added = (await peakOf(command, list, ...words)) - (await peakOf(command, small, ...words));
      expect((await stat(list)).size).toBeGreaterThan(LIST_BYTES);
      expect(added / LIST_BYTES).toBeLessThan(1);
    },
  );

  it('a graph of 1.9 GB, as one file and beside its weights, adds less than a third of its size to the memory of inspect and check', async () => {
    const [whole, parted] = [join(root, 'whole.onnx'), join(root, 'parted', 'model.onnx')];
    await mkdir(join(root, 'parted'));
    try {
      await writeMatmulModel(whole, 1900 * MB);
      await writeMatmulModel(parted, 1900 * MB, 'model.onnx.data');
      for (const command of ['inspect', 'check']) {
        const least = await peakOf(command, small);
        for (const file of [whole, parted])
          expect(((await peakOf(command, file)) - least) / (1900 * MB)).toBeLessThan(1 / 3);
      }
    } finally {
      await rm(whole, { force: true });
      await rm(join(root, 'parted'), { recursive: true });
    }
  });

  it('a file that is longer than an ONNX file can be is refused with the way to split it', async () => {
    const huge = join(root, 'huge.onnx');
    await writeFile(huge, Buffer.from([0x08, 0x08]));
    await truncate(huge, 2 ** 31); // a file with a hole takes no room
    for (const command of ['inspect', 'check']) {
      const { exitCode, stderr } = await runCli([command, huge]);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/huge\.onnx.* its file has 2\.1 GB, .*save_as_external_data=True/);
    }
  });
});

describe('a large forest', () => {
  it('of 834,496 nodes is converted within 600 MB of memory, and answers as its trees do', async () => {
    const [forest, graph] = [join(root, 'forest.pkl'), join(root, 'forest.onnx')];
    await writeFile(forest, largeForest(NODES));
    expect(await peakOf('convert', forest, graph)).toBeLessThan(600 * MB);
    expect((await runCli(['check', graph])).exitCode).toBe(0);

    const rows = Array.from({ length: 8 }, (_, row) =>
      Array.from({ length: 20 }, (_value, column) => Math.fround(Math.cos(row * 20 + column))),
    );
    const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 1 });
    const { probabilities } = await session.run({ X: new ort.Tensor('float64', rows.flat(), [8, 20]) });
    await session.release();
    const answers = [...Object(probabilities?.data)].map(Number);
    expect(answers).toHaveLength(16);
    for (const [index, row] of rows.entries()) expect(answers[2 * index]).toBeCloseTo(answerOfForest(NODES, row), 12);
  });
});
