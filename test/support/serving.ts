import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Deadline, deadlineAt } from '../../src/core/deadline.ts';
import type { ServingError } from '../../src/core/errors.ts';
import type { Signature } from '../../src/core/tensor.ts';
import type { EvictionReport } from '../../src/engine/model-cache.ts';
import type { LoadReport } from '../../src/engine/model-loader.ts';
import { createSession } from '../../src/engine/session.ts';
import { createApplication } from '../../src/http/application.ts';
import { toFetch } from '../../src/http/fetch.ts';
import type { ModelRepository } from '../../src/repository/model-repository.ts';
import { changeRouting } from '../../src/repository/routing/change-routing.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { ObjectStore, UploadingStore } from '../../src/repository/stores/object-store.ts';
import { type LocalFile, publish } from '../../src/repository/versions/publish.ts';
import { type Background, ordinaryBackground } from '../../src/serving/background.ts';
import type { ShadowReport } from '../../src/serving/compare-answers.ts';
import { createServing, type ServingOptions } from '../../src/serving/create-serving.ts';
import type { Serving } from '../../src/serving/serving.ts';
import type { Observation } from '../../src/serving/telemetry.ts';
import { pushModel } from './tried-models.ts';

export const SAMPLE_FOLDER = 'models/efficientnet-lite0';

interface Refusal {
  readonly model: string;
  readonly version: number;
  readonly error: ServingError;
}

interface LostCaptures {
  readonly model: string;
  readonly records: number;
}

/** Everything that serves, with telemetry that remembers, over two directories of its own (or the stores given). */
export interface TestServing extends Serving {
  readonly repository: ModelRepository<UploadingStore>;
  readonly observations: Observation[];
  readonly loads: LoadReport[];
  readonly shadows: ShadowReport[];
  readonly refusals: Refusal[];
  readonly evictions: EvictionReport[];
  readonly warnings: ServingError[];
  readonly lostCaptures: LostCaptures[];
  readonly modelDirectory: string;
  /** The clock of the routing's time to live. */
  readonly clock: { nowMs: number };
  /** Sends a request to the HTTP application. */
  fetch(path: string, init?: RequestInit & { deadline?: Deadline }): Promise<Response>;
  /** Resolves when the work behind the answers so far has ended. */
  idle(): Promise<void>;
  remove(): Promise<void>;
}

/** The background, and the work that it has not ended yet. */
const watchBackground = (background: Background): { background: Background; pending: ReadonlySet<Promise<void>> } => {
  const pending = new Set<Promise<void>>();
  const defer: Background['defer'] = (start) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pending.add(promise);
    background.defer(() =>
      start().finally(() => {
        pending.delete(promise);
        resolve();
      }),
    );
  };
  return { background: { ...background, defer }, pending };
};

export const createTestServing = async (
  stores: { models?: UploadingStore; data?: ObjectStore } = {},
  options: Partial<Omit<ServingOptions, 'models' | 'data' | 'telemetry'>> = {},
): Promise<TestServing> => {
  const root = await mkdtemp(join(tmpdir(), 'serving-'));
  const observations: Observation[] = [];
  const loads: LoadReport[] = [];
  const evictions: EvictionReport[] = [];
  const shadows: ShadowReport[] = [];
  const refusals: Refusal[] = [];
  const warnings: ServingError[] = [];
  const lostCaptures: LostCaptures[] = [];
  const clock = { nowMs: 0 };
  const modelDirectory = join(root, 'cache');
  const { background, pending } = watchBackground(options.background ?? ordinaryBackground);
  const serving = createServing({
    models: stores.models ?? createDirectoryStore(join(root, 'models-bucket')),
    data: stores.data ?? createDirectoryStore(join(root, 'data-bucket')),
    directory: modelDirectory,
    memoryMb: 1769,
    memoryBudgetBytes: Number.POSITIVE_INFINITY,
    diskBudgetBytes: Number.POSITIVE_INFINITY,
    routingTtlMs: 30_000,
    revalidationMs: 60_000, // a busy machine reads a new routing late, and tests wait for it
    nowMs: () => clock.nowMs,
    ...options,
    background,
    telemetry: {
      observed: (observation) => observations.push(observation),
      loaded: (report) => loads.push(report),
      shadowed: (report) => shadows.push(report),
      refused: (model, version, error) => refusals.push({ model, version, error }),
      evicted: (report) => evictions.push(report),
      captureLost: (model, records) => lostCaptures.push({ model, records }),
      warned: (_message, error) => warnings.push(error),
    },
  });
  const fetchApplication = toFetch(createApplication(serving));
  let requests = 0;
  return {
    ...serving,
    observations,
    loads,
    shadows,
    refusals,
    evictions,
    warnings,
    lostCaptures,
    modelDirectory,
    clock,
    fetch: async (path, { deadline = deadlineAt(Date.now() + 300_000), ...init } = {}) => {
      requests += 1;
      const context = { requestId: `request-${requests}`, deadline };
      return fetchApplication(new Request(`http://test${path}`, init), context);
    },
    async idle() {
      while (pending.size > 0) await Promise.all(pending);
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }), // work behind an answer may still write
  };
};

const localFile = async (localPath: string, path: string): Promise<LocalFile> => {
  const bytes = await readFile(localPath);
  return { path, localPath, bytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
};

const signatures = new Map<string, Promise<Signature>>();

/** The signature of a graph, which is opened for it once for each content and place. */
const readSignature = ({ localPath, sha256 }: LocalFile): Promise<Signature> => {
  const open = async (): Promise<Signature> => {
    const session = await createSession(localPath, 1769);
    await session.release();
    return session.signature;
  };
  const key = `${sha256} ${localPath}`;
  const signature = signatures.get(key) ?? open();
  signatures.set(key, signature);
  return signature;
};

/** Publishes an ONNX file as a `tensor` model, or as `task` with `settings`, and promotes it. Returns the version. */
export const publishModel = async (
  repository: ModelRepository<UploadingStore>,
  name: string,
  onnxPath: string,
  {
    task = 'tensor',
    settings = {},
    createMs = 10,
    dimensions = {},
    warmup = [],
  }: {
    task?: string;
    settings?: Record<string, unknown>;
    createMs?: number;
    dimensions?: Record<string, number>;
    /** Recorded inputs, by the paths of their files. */
    warmup?: readonly string[];
  } = {},
): Promise<number> => {
  const file = await localFile(onnxPath, basename(onnxPath));
  const inputs = await Promise.all(warmup.map((path) => localFile(path, `warmup/${basename(path)}`)));
  const signature = structuredClone(await readSignature(file)) as { inputs: never[]; outputs: never[] };
  const graphs = { model: { file: file.path, externalData: [], signature, createMs } };
  const draft = {
    ...{ name, task, graphs, settings, warmup: { dimensions, inputs: inputs.map(({ path }) => path) } },
    ...{ source: onnxPath, created: new Date().toISOString() },
  };
  const version = await publish(repository, draft, [file, ...inputs], { by: 'a test' });
  await changeRouting(repository, name, { by: 'a test', action: 'promote' }, (current) => ({
    aliases: {},
    ...current,
    stable: version,
  }));
  return version;
};

/** The folder of the sample, or the fixture, of that name. */
export const findNamed = (name: string): string => {
  const folders = [join('models', name), join('test/fixtures/models', name)];
  const folder = folders.find((path) => existsSync(path));
  if (folder === undefined) throw new Error(`there is no ${folders.join(', no ')}`);
  return folder;
};

/** Pushes the sample, or the fixture, of that name. */
export const pushNamed = async (repository: ModelRepository<UploadingStore>, name: string): Promise<void> => {
  await pushModel(repository, findNamed(name), { name });
};

/** Publishes the classifier of images in a folder under `name`, without a trial. */
export const publishClassifier = async (
  repository: ModelRepository<UploadingStore>,
  folder: string,
  name: string,
  warmup: readonly string[] = [],
): Promise<number> => {
  const read = async (file: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(folder, file), 'utf8')) as Record<string, unknown>;
  const { id2label } = (await read('config.json')) as { id2label: Record<string, string> };
  const settings = {
    labels: Object.values(id2label),
    functionToApply: 'softmax',
    preprocessing: await read('preprocessor_config.json'),
  };
  const task = 'image-classification';
  return publishModel(repository, name, join(folder, 'onnx/model.onnx'), { task, settings, warmup });
};

export const publishSample = (
  repository: ModelRepository<UploadingStore>,
  name: string,
  warmup: readonly string[] = [],
): Promise<number> => publishClassifier(repository, SAMPLE_FOLDER, name, warmup);
