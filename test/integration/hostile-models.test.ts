import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PushOptions, pushModel } from '../../src/authoring/push-model.ts';
import { startTrial, TRIAL_LIMITS } from '../../src/authoring/start-trial.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { DIVISION_TRAPS } from '../support/division-traps.ts';
import {
  type GraphFunction,
  type GraphNode,
  type GraphTensor,
  type SmallGraph,
  toOnnxFile,
} from '../support/onnx-graph.ts';
import { createTestServing } from '../support/serving.ts';

const MB = 1024 * 1024;

let folder: string;
let repository: ModelRepository<UploadingStore>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-models-'));
  repository = createModelRepository(createDirectoryStore(join(folder, 'bucket')));
});
afterAll(() => rm(folder, { recursive: true }));

const integer = (name: string, ...shape: (number | string)[]): GraphTensor => ({ name, dtype: 'int64', shape });
const constant = (name: string, ...values: bigint[]): GraphTensor => ({
  ...integer(name, values.length),
  data: BigInt64Array.from(values),
});
const scalar = (name: string, value: bigint): GraphTensor => ({ ...constant(name, value), shape: [] });
const node = (operator: string, inputs: string[], outputs: string[], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ operator, inputs, outputs },
  ...more,
});

const [x, y] = [integer('x', 'n'), integer('y', 'n')];
const through = (...nodes: GraphNode[]): SmallGraph => ({ inputs: [x], outputs: [y], nodes });

/** Functions of which each calls the one below it twice. */
const doublings = (depth: number, callOf: (name: string, input: string, output: string) => GraphNode[]) =>
  Array.from({ length: depth }, (_, level): GraphFunction => {
    const twice = [...callOf(`f${level - 1}`, 'a', 'b'), ...callOf(`f${level - 1}`, 'b', 'c')];
    const nodes = level === 0 ? [node('Neg', ['a'], ['c'])] : twice;
    return { name: `f${level}`, inputs: ['a'], outputs: ['c'], nodes };
  });

const call = (name: string, input: string, output: string): GraphNode[] => [
  node(name, [input], [output], { domain: 'local' }),
];

/** The call in both branches of an If. */
const callInBranches = (name: string, input: string, output: string): GraphNode[] => {
  const branch = { outputs: [integer(output, 'n')], nodes: call(name, input, output) };
  return [
    node('Constant', [], [`true_${output}`], {
      attributes: { value: { name: 'true', dtype: 'bool', shape: [], data: Uint8Array.of(1) } },
    }),
    node('If', [`true_${output}`], [output], { attributes: { then_branch: branch, else_branch: branch } }),
  ];
};

const ENDLESS: SmallGraph = {
  ...{ inputs: [x], outputs: [y], weights: [scalar('trips', 2n ** 60n), scalar('one', 1n)] },
  nodes: [
    node('Loop', ['trips', '', 'x'], ['y'], {
      attributes: {
        body: {
          inputs: [integer('trip'), { name: 'goes_on', dtype: 'bool', shape: [] }, integer('state', 'n')],
          outputs: [{ name: 'still', dtype: 'bool', shape: [] }, integer('next', 'n')],
          nodes: [node('Identity', ['goes_on'], ['still']), node('Add', ['state', 'one'], ['next'])],
        },
      },
    }),
  ],
};

/** A gigabyte of zeros. */
const LARGE: SmallGraph = {
  ...{ inputs: [x], outputs: [y], weights: [constant('size', 2n ** 27n), constant('first', 0n)] },
  nodes: [
    node('ConstantOfShape', ['size'], ['zeros']),
    node('Cast', ['zeros'], ['integers'], { attributes: { to: 7 } }),
    node('Gather', ['integers', 'first'], ['picked']),
    node('Add', ['x', 'picked'], ['y']),
  ],
};

/** The smallest integer by -1, which the processor refuses where `DIVISION_TRAPS`. */
const DIVISION: SmallGraph = {
  ...{ inputs: [x], outputs: [y], weights: [constant('smallest', -(2n ** 63n)), constant('negative', -1n)] },
  nodes: [node('Add', ['x', 'smallest'], ['sum']), node('Div', ['sum', 'negative'], ['y'])],
};

const push = async (graph: SmallGraph, options: PushOptions = {}, functions: readonly GraphFunction[] = []) => {
  const path = join(folder, 'hostile.onnx');
  await writeFile(path, toOnnxFile(graph, functions));
  return pushModel(repository, path, { name: 'hostile', ...options });
};

describe('push of a hostile file', () => {
  it.each([
    ['functions that call functions', doublings(31, call), '1,073,741,824 nodes'],
    [
      'functions that call functions in both branches of an If',
      doublings(16, callInBranches),
      'nodes when it is loaded',
    ],
    [
      'a function that calls itself',
      doublings(1, call).map((each) => ({ ...each, nodes: call('f0', 'a', 'c') })),
      'no end',
    ],
  ])('push refuses %s, which a load would never end with', async (_what, functions, hint) => {
    const { name } = functions.at(-1) ?? { name: '' };

    await expect(push(through(...call(name, 'x', 'y')), {}, functions)).rejects.toMatchObject({
      ...{ code: 'MODEL_INVALID', message: expect.stringContaining(hint) },
    });
  });

  it.each([
    [2 ** 40, 2 ** 40],
    [2 ** 33, 1],
  ])('push refuses an input of the fixed dimensions %i × %i by its name', async (...shape) => {
    const large: SmallGraph = { ...through(node('Neg', ['x'], ['y'])), inputs: [integer('x', ...shape)] };

    await expect(push({ ...large, outputs: [integer('y', ...shape)] })).rejects.toMatchObject({
      ...{ code: 'MODEL_INVALID', message: expect.stringContaining(`input "x" has the shape [${shape}]`) },
    });
  });

  it('push takes functions of a usual size', async () => {
    expect(await push(through(...call('f5', 'x', 'y')), { dryRun: true }, doublings(6, call))).toMatchObject({
      version: 1,
    });
  });

  it('push refuses a graph that takes more memory than there is, with figures and the parameter', async () => {
    const limits = { ...TRIAL_LIMITS, memoryBytes: 400 * MB };

    await expect(push(LARGE, { startTrial: () => startTrial(limits) })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(
        /more memory than the 400 MB that push allows .* at most 10240 MB \(parameter memory\)/,
      ),
    });
  });

  it('push refuses a graph whose run does not end', async () => {
    await expect(
      push(ENDLESS, { startTrial: () => startTrial({ ...TRIAL_LIMITS, timeMs: 5_000 }) }),
    ).rejects.toMatchObject({
      ...{ code: 'MODEL_INVALID', message: expect.stringContaining('takes longer than the 5 s that push allows') },
    });
  });

  (DIVISION_TRAPS ? it : it.skip)(
    'push refuses a graph that crashes the runtime, with the step and the signal, and lives on',
    async () => {
      await expect(push(DIVISION)).rejects.toMatchObject({
        ...{ code: 'MODEL_INVALID', message: expect.stringMatching(/its trial run ended the process .* SIGFPE/) },
      });
      expect(await push(through(node('Neg', ['x'], ['y'])), { name: 'usual' })).toMatchObject({
        version: 1,
        notes: [],
      });
    },
  );

  (DIVISION_TRAPS ? it : it.skip)(
    'push on the command line ends with exit code 1 and the reason when a graph crashes the runtime',
    async () => {
      const path = join(folder, 'crash.onnx');
      await writeFile(path, toOnnxFile(DIVISION));
      const words = ['cli/main.ts', 'push', path, '--store', join(folder, 'bucket')];

      await expect(promisify(execFile)(process.execPath, words)).rejects.toMatchObject({
        ...{ code: 1, stderr: expect.stringContaining('SIGFPE') },
      });
    },
  );
});

describe('a version', () => {
  it('a pushed version has the peak memory of its trial run in the bundle', async () => {
    const { version } = await push(through(node('Neg', ['x'], ['y'])), { name: 'measured' });

    const { trialRun } = await repository.bundle('measured', version);
    expect(trialRun?.peakMemoryBytes).toBeGreaterThan(20 * MB);
  });

  it.each([
    ['a version is refused by a function with less memory than its trial run took', 16, 507],
    ['a version is served by a function with more memory than its trial run took', 1769, 200],
  ])('%s', async (_what, memoryMb, status) => {
    await push(through(node('Neg', ['x'], ['y'])), { name: 'small' });
    const limits = { memoryMb, memoryBudgetBytes: memoryMb * 0.6 * MB };
    const serving = await createTestServing({ models: repository.store }, limits);
    const inputs = [{ name: 'x', datatype: 'INT64', shape: [1], data: [5] }];

    const response = await serving.fetch('/v2/models/small/infer', {
      method: 'POST',
      body: JSON.stringify({ inputs }),
    });
    await serving.remove();

    expect(response.status).toBe(status);
  });
});
