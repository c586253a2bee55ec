import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';
import { ensureLayer, type LayerName, layerNames } from '../../layers/build.ts';
import type { Architecture } from '../../layers/layer-packages.ts';
import { buildOpenTelemetryLayer } from '../../layers/opentelemetry-layer.ts';
import { type PushOptions, pushModel } from '../../src/authoring/push-model.ts';
import { createModelRepository, type ModelRepository } from '../../src/repository/model-repository.ts';
import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { createTestS3Client } from '../support/s3.ts';

export const projectRoot = path.resolve(import.meta.dirname, '../..');
const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
/** The queue of uploads, as in the sample events. */
export const UPLOAD_QUEUE = 'uploads';
const FUNCTIONS = ['infer', 'on-upload', 'bulk'] as const;

/**
 * The packaged functions `<name>/handler.mjs`, the layers below `opt/`, and the bench's own `floors/` and `scripts/`, in a folder from
 * where nothing finds the project's node_modules; and an S3 on loopback, in this process.
 */
export interface Workbench {
  readonly directory: string;
  readonly layerDirectories: Readonly<Record<LayerName, string>>;
  readonly storage: EmbeddedStorage;
  readonly repository: ModelRepository;
  /** What a function finds in its environment, as serverless.yml deploys it by default; each call has a cache of its own. */
  environment(): Record<string, string>;
  /** Publishes as the command line does. */
  push(file: string, name: string, options?: Pick<PushOptions, 'bake'>): Promise<void>;
  /** Runs one of `scripts/` in a process of its own; resolves to what it sends. */
  run<Result>(script: string, input: unknown): Promise<Result>;
  remove(): Promise<void>;
}

export const createWorkbench = async (): Promise<Workbench> => {
  if (process.platform !== 'linux') throw new Error('the bench loads the layers as Lambda does, which takes Linux');
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-'));
  const layerDirectories = {} as Record<LayerName, string>;
  for (const name of layerNames) {
    layerDirectories[name] = await ensureLayer(name, architecture);
    await cp(layerDirectories[name], path.join(directory, 'opt'), { recursive: true });
  }
  const collectorLayer = await buildOpenTelemetryLayer(path.join(directory, 'opentelemetry'));
  await cp(collectorLayer, path.join(directory, 'opt'), { recursive: true });
  const bundle = async (source: string, folder: string): Promise<void> => {
    const options = { ...bundleOptions, entryPoints: [source], outdir: path.join(directory, folder) };
    await build({ ...options, logLevel: 'error' });
  };
  for (const name of FUNCTIONS) await bundle(path.join(projectRoot, 'functions', name, 'handler.ts'), name);
  for (const folder of ['floors', 'scripts'])
    for (const file of await readdir(path.join(import.meta.dirname, folder)))
      await bundle(path.join(import.meta.dirname, folder, file), folder);

  const storage = await startEmbeddedStorage({
    queues: [{ name: UPLOAD_QUEUE, visibilityTimeoutSeconds: 720 }],
    notifications: [{ bucket: 'test-data', prefix: 'uploads/', queue: UPLOAD_QUEUE }],
  });
  const store = createS3UploadStore(createTestS3Client(storage.endpoint, COMMAND_PATIENCE), storage.modelsBucket);
  const repository = createModelRepository(store);
  let caches = 0;

  const environment = (): Record<string, string> => {
    caches += 1;
    return {
      PATH: process.env.PATH ?? '',
      TZ: ':UTC',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
      AWS_ENDPOINT_URL: storage.endpoint,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769', // one vCPU
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/bench',
      AWS_LAMBDA_LOG_STREAM_NAME: 'bench',
      NODE_PATH: path.join(directory, 'opt/nodejs/node_modules'),
      MODELS_BUCKET: storage.modelsBucket,
      DATA_BUCKET: storage.dataBucket,
      MODEL_CACHE_DIR: path.join(directory, 'caches', String(caches)),
      POWERTOOLS_SERVICE_NAME: 'bench',
      POWERTOOLS_METRICS_NAMESPACE: 'onnx-serverless',
      POWERTOOLS_LOG_LEVEL: 'INFO',
      ORT_DISABLE_TELEMETRY: '1',
      MALLOC_ARENA_MAX: '2',
      MALLOC_MMAP_THRESHOLD_: '1048576',
    };
  };

  return {
    directory,
    layerDirectories,
    storage,
    repository,
    environment,

    async push(file, name, options) {
      await pushModel(repository, file, { name, ...options });
    },

    async run<Result>(script: string, input: unknown) {
      const child = spawn(process.execPath, [path.join(directory, 'scripts', `${script}.mjs`)], {
        cwd: directory,
        env: environment(),
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'], // logs go through a pipe, as on Lambda: they cost what they cost
      });
      child.send(input as object);
      child.stdout?.resume();
      let result: Result | undefined;
      child.on('message', (message: Result) => {
        result = message;
      });
      const [status] = await once(child, 'close');
      if (result === undefined) throw new Error(`the script ${script} ended with status ${status} and sent nothing`);
      return result;
    },

    async remove() {
      await storage.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
