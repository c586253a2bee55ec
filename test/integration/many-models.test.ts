import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { blankTensors } from '../../src/core/blank.ts';
import { NEVER } from '../../src/core/deadline.ts';
import { createModelCache } from '../../src/engine/model-cache.ts';
import type { LoadedModel } from '../../src/engine/model-loader.ts';
import type { Session } from '../../src/engine/session.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { writeMatmulModel } from '../bench/matmul-model.ts';
import type { MemoryOutcome } from '../support/memory-scenarios.ts';
import { createTestServing, publishModel, type TestServing } from '../support/serving.ts';

const MB = 1024 * 1024;
const MODEL_MB = 16;
/** Room for `count` models and not for one more, with as much as possible to spare: what a process takes varies by some MB. */
const roomFor = (count: number): number => ((count + 1) * MODEL_MB - 1) * MB;

let folder: string;
let onnxPath: string;
let serving: TestServing;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'many-models-'));
  onnxPath = join(folder, 'matmul.onnx');
  await writeMatmulModel(onnxPath, MODEL_MB * MB);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => serving?.remove());

const start = async (models: readonly string[], options: Parameters<typeof createTestServing>[1] = {}) => {
  serving = await createTestServing({}, options);
  for (const name of models) await publishModel(serving.repository, name, onnxPath);
};

const bundleOf = (name: string) => serving.repository.bundle(name, 1);
const run = async (model: LoadedModel): Promise<number[]> => {
  const session = model.graphs.model as Session;
  const { y } = await session.run(blankTensors(session.signature, { value: 0, dimensions: { batch: 2 } }));
  return [...(y?.shape ?? [])];
};
const use = async (name: string) => serving.models.use(await bundleOf(name), NEVER, run);
const ready = (name: string) => serving.fetch(`/v2/models/${name}/ready`);
const loaded = () => serving.loads.map(({ model }) => model);
const directories = () => readdir(serving.modelDirectory);
const digests = (names: readonly string[]) =>
  Promise.all(names.map(async (name) => (await bundleOf(name)).digest)).then((found) => found.sort());

/** Counts the ranges that are read of the store. */
const countReads = (): { count: number } => {
  const reads = { count: 0 };
  const { store } = serving.repository;
  const { readBlocks } = store;
  (store as { readBlocks: ObjectStore['readBlocks'] }).readBlocks = (...range) => {
    reads.count += 1;
    return readBlocks(...range);
  };
  return reads;
};

const execute = promisify(execFile);

/** The outcome of a scenario of `memory-scenarios.ts`, in a process with the environment of a function. */
const runScenario = async (name: string): Promise<MemoryOutcome> => {
  const script = join(import.meta.dirname, '../support/memory-scenarios.ts');
  const env = { PATH: process.env.PATH, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: String(MB) }; // as in serverless.yml
  const { stdout } = await execute(process.execPath, [script, name, onnxPath], { env });
  return JSON.parse(stdout) as MemoryOutcome;
};

describe('many models in one memory', () => {
  it('are loaded on demand, measured, and kept within the budget', async () => {
    const { loaded, evicted, downloads, shapes, heldBytes, budgetBytes } = await runScenario('in turn');

    expect(shapes).toEqual(Array(12).fill([2, 512]));
    expect(Math.min(...heldBytes)).toBeGreaterThanOrEqual(MODEL_MB * MB);
    expect(Math.max(...heldBytes)).toBeLessThanOrEqual(budgetBytes);
    expect(loaded.slice(0, 4)).toEqual([...'abcd']);
    expect(evicted.length).toBeGreaterThanOrEqual(loaded.length - 2);
    // Their files were there still.
    expect(downloads.map((bytes) => bytes > 0).lastIndexOf(true)).toBe(3);
  });

  it('are never released under a run', async () => {
    const { loaded, evicted, shapes } = await runScenario('under runs');

    expect(shapes).toEqual(Array(120).fill([2, 512]));
    expect(evicted.length).toBeGreaterThan(0);
    expect(evicted.length).toBe(loaded.length - 1); // one at a time
  });

  it('are refused at once, and nothing is downloaded, when the files alone are too large', async () => {
    await start(['a'], { memoryBudgetBytes: roomFor(0) });
    const reads = countReads();

    const [response, again] = [await ready('a'), await ready('a')];

    expect([response.status, again.status, reads.count]).toEqual([503, 503, 0]);
    await expect(use('a')).rejects.toMatchObject({
      code: 'INSUFFICIENT_STORAGE',
      message: 'model a version 1 has graphs of 16 MB, and all loaded models together may take 15 MB of memory',
      operator: expect.stringMatching(/stage parameter memory.*modelMemoryShare/),
    });
    await expect(serving.models.fetch(await bundleOf('a'))).rejects.toMatchObject({ code: 'INSUFFICIENT_STORAGE' });
    const predicted = await serving.fetch('/models/a', {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 512], data: Array(512).fill(0) }] }),
      headers: { 'content-type': 'application/json' },
    });
    expect(predicted.status).toBe(507);
  });

  it('are refused once they were seen to take more than there is, and then at once', async () => {
    const { refusals, warmUps } = await runScenario('taking more');

    const message = expect.stringMatching(/model a version 1 takes \d+ MB, .* may take 31 MB/);
    expect(refusals).toEqual(Array(2).fill({ code: 'INSUFFICIENT_STORAGE', message }));
    expect(warmUps).toBe(1);
  });

  it('leave nothing counted when they fail to load', async () => {
    const { refusals, shapes, evicted } = await runScenario('failed loads');

    expect(refusals).toEqual(Array(3).fill(expect.objectContaining({ code: 'MODEL_INVALID' })));
    expect(shapes).toEqual([[2, 512]]);
    expect(evicted).toEqual([]);
  });
});

describe('the files of many models', () => {
  it('make room, those first that were used least recently, also under a loaded model', async () => {
    await start(['a', 'b', 'c'], { diskBudgetBytes: roomFor(2) });

    for (const name of ['a', 'b', 'c']) await use(name);

    expect((await directories()).sort()).toEqual(await digests(['b', 'c']));
    expect([await use('a'), loaded()]).toEqual([
      [2, 512],
      ['a', 'b', 'c'],
    ]);
  });

  it('are downloaded again when they are needed again', async () => {
    const { downloads, loaded, modelBytes } = await runScenario('little disk');

    expect(loaded).toEqual(['a', 'b', 'a']);
    expect(downloads).toEqual([modelBytes, modelBytes, modelBytes]);
  });

  it('stay within the budget when many are asked for at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await start(names, { diskBudgetBytes: roomFor(2) });

    expect(await Promise.all(names.map(use))).toEqual(names.map(() => [2, 512]));

    expect(await directories()).toHaveLength(2);
  });

  it('are refused at once when they can never fit', async () => {
    await start(['a'], { diskBudgetBytes: roomFor(0) });
    const reads = countReads();

    await expect(use('a')).rejects.toMatchObject({
      code: 'INSUFFICIENT_STORAGE',
      message: 'model a version 1 has 16 MB of files, and all model files together may take 15 MB',
      operator: expect.stringContaining('stage parameter tmpSize'),
    });
    expect([reads.count, await directories()]).toEqual([0, []]);
  });

  it('that an earlier process left are used, counted, and make room', async () => {
    await start(['a', 'b', 'c']);
    for (const name of ['a', 'b']) await serving.models.fetch(await bundleOf(name));
    const { modelDirectory, repository } = serving;
    const older = join(modelDirectory, (await bundleOf('b')).digest);
    await utimes(older, new Date(0), new Date(0));
    const later = createModelCache(repository.store, {
      ...{ directory: modelDirectory, memoryMb: 1769, warmUp: async () => {} },
      ...{ memoryBudgetBytes: Number.POSITIVE_INFINITY, diskBudgetBytes: roomFor(2) },
      ...{ onLoaded: (report) => serving.loads.push(report), onEvicted: () => {} },
    });

    for (const name of ['a', 'c']) await later.use(await bundleOf(name), NEVER, run);

    expect(serving.loads.map(({ downloadBytes }) => downloadBytes > 0)).toEqual([false, true]);
    expect((await directories()).sort()).toEqual(await digests(['a', 'c']));
  });

  it('are brought beside whatever else lies in their directory', async () => {
    await start(['a']);
    await mkdir(serving.modelDirectory, { recursive: true });
    await writeFile(join(serving.modelDirectory, 'note.txt'), 'x');

    await serving.models.use(await bundleOf('a'), NEVER, run);

    expect(serving.loads).toHaveLength(1);
  });
});

describe('a function that serves only some models', () => {
  it('answers 404 for the others, saying so, and does not list them', async () => {
    await start([]);
    const { store } = serving.repository;
    for (const name of ['a', 'b']) await publishModel(serving.repository, name, onnxPath);
    const all = serving;
    serving = await createTestServing({ models: store }, { only: ['b', 'not-pushed'] });

    const refused = await serving.fetch('/v2/models/a');

    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ error: 'model a is not served here, only b, not-pushed' });
    expect(serving.observations[0]?.failures[0]?.operator).toContain('MODELS');
    for (const path of ['/v2/models/a/ready', '/v2/models/a/versions/1'])
      expect((await serving.fetch(path)).status).toBe(404);
    const listed = JSON.stringify(await (await serving.fetch('/models')).json());
    expect([listed.includes('"b"'), listed.includes('"a"')]).toEqual([true, false]);
    expect((await ready('b')).status).toBe(200);
    await all.remove();
  });
});
