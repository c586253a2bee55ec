/**
 * Loads models under a budget of memory, and prints what happened as JSON. A process of its own for each scenario, because the growth of
 * a process depends on all that it did before. Arguments: `<scenario> <ONNX file>`.
 */
import { stat } from 'node:fs/promises';
import { blankTensors } from '../../src/core/blank.ts';
import { NEVER } from '../../src/core/deadline.ts';
import { ServingError } from '../../src/core/errors.ts';
import { createModelCache } from '../../src/engine/model-cache.ts';
import type { LoadedModel } from '../../src/engine/model-loader.ts';
import { createSession } from '../../src/engine/session.ts';
import { fileKey } from '../../src/repository/keys.ts';
import { graphOf } from '../../src/tasks/graph-of.ts';
import { createTestServing, publishModel, type TestServing } from './serving.ts';

/** The outcome that the process prints; a scenario fills what it is about. */
export interface MemoryOutcome {
  readonly loaded: readonly string[];
  readonly evicted: readonly string[];
  /** Bytes that each load downloaded. */
  readonly downloads: readonly number[];
  readonly shapes: readonly (readonly number[])[];
  /** Memory that is counted after each use. */
  readonly heldBytes: readonly number[];
  readonly budgetBytes: number;
  readonly refusals: readonly { readonly code: string; readonly message: string }[];
  readonly warmUps: number;
  readonly modelBytes: number;
}

const MB = 1024 * 1024;

const [, , scenario = '', onnxPath = ''] = process.argv;
const { size: modelBytes } = await stat(onnxPath);

/** Room for `count` models and not for one more, with as much as possible to spare: the growth of a process varies by some MB. */
const roomFor = (count: number): number => (count + 1) * modelBytes - MB;

const run = async ({ graphs }: LoadedModel): Promise<number[]> => {
  const graph = graphOf(graphs);
  const { y } = await graph.run(blankTensors(graph.signature, { value: 0, dimensions: { batch: 2 } }));
  return [...(y?.shape ?? [])];
};

const refusalOf = (promise: Promise<unknown>): Promise<MemoryOutcome['refusals'][number]> =>
  promise.then(
    () => ({ code: 'none', message: 'it answered' }),
    (error: unknown) => {
      if (error instanceof ServingError) return { code: error.code, message: error.message };
      throw error;
    },
  );

const servings: TestServing[] = [];

const start = async (names: string, memoryBudgetBytes: number, diskBudgetBytes = Number.POSITIVE_INFINITY) => {
  const serving = await createTestServing({}, { memoryBudgetBytes, diskBudgetBytes });
  servings.push(serving);
  for (const name of names) await publishModel(serving.repository, name, onnxPath);
  const use = async (name: string) => serving.models.use(await serving.repository.bundle(name, 1), NEVER, run);
  return { serving, use };
};

const summary = ({ loads, evictions }: TestServing) => ({
  loaded: loads.map(({ model }) => model),
  evicted: evictions.map(({ model }) => model),
  downloads: loads.map(({ downloadBytes }) => downloadBytes),
});

const SCENARIOS: Readonly<Record<string, () => Promise<Partial<MemoryOutcome>>>> = {
  'in turn': async () => {
    const budgetBytes = roomFor(2);
    const { serving, use } = await start('abcd', budgetBytes);
    const shapes: number[][] = [];
    const heldBytes: number[] = [];
    for (const name of 'abcdabcdaabb') {
      shapes.push(await use(name));
      const changes = [
        ...serving.loads,
        ...serving.evictions.map(({ memoryBytes }) => ({ memoryBytes: -memoryBytes })),
      ];
      heldBytes.push(changes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0));
    }
    return { ...summary(serving), shapes, heldBytes, budgetBytes };
  },

  'under runs': async () => {
    const { serving } = await start('abc', roomFor(1));
    const shapes = await Promise.all(
      Array.from({ length: 60 }, async (_, index) =>
        serving.models.use(await serving.repository.bundle('abc'.charAt(index % 3), 1), NEVER, async (model) => {
          const first = await run(model);
          await new Promise((resolve) => setTimeout(resolve, 1));
          return [first, await run(model)];
        }),
      ),
    );
    return { ...summary(serving), shapes: shapes.flat() };
  },

  'taking more': async () => {
    const { serving } = await start('a', Number.POSITIVE_INFINITY);
    const kept: Buffer[] = [];
    const hungry = createModelCache(serving.repository.store, {
      ...{ directory: serving.modelDirectory, memoryMb: 1769 },
      ...{ memoryBudgetBytes: roomFor(1), diskBudgetBytes: Number.POSITIVE_INFINITY },
      ...{ onLoaded: () => {}, onEvicted: () => {} },
      warmUp: async () => {
        kept.push(Buffer.alloc(64 * MB, 1)); // as a run's intermediate results
      },
    });
    const bundle = await serving.repository.bundle('a', 1);
    const refusals = [await refusalOf(hungry.use(bundle, NEVER, run)), await refusalOf(hungry.use(bundle, NEVER, run))];
    return { refusals, warmUps: kept.length };
  },

  'failed loads': async () => {
    const { serving, use } = await start('ab', roomFor(1), roomFor(1));
    await serving.repository.store.write(fileKey('a', 1, 'matmul.onnx'), Buffer.alloc(modelBytes));
    const refusals = [await refusalOf(use('a')), await refusalOf(use('a')), await refusalOf(use('a'))];
    return { ...summary(serving), refusals, shapes: [await use('b')] };
  },

  'little disk': async () => {
    const { serving, use } = await start('ab', roomFor(1), roomFor(1));
    for (const name of 'aba') await use(name);
    return { ...summary(serving), modelBytes };
  },
};

await (await createSession(onnxPath, 1769)).release(); // the first session of a process takes some 20 MB for the runtime itself
const outcome = await SCENARIOS[scenario]?.().finally(() => Promise.all(servings.map((serving) => serving.remove())));
process.stdout.write(JSON.stringify(outcome));
