import { deadlineAt } from '../../../src/core/deadline.ts';
import { ServingError } from '../../../src/core/errors.ts';
import type { Upload } from '../../../src/jobs/upload.ts';
import { processUploads } from '../../../src/jobs/uploads.ts';
import { createModelRepository, type ModelRepository } from '../../../src/repository/model-repository.ts';
import { changeRouting } from '../../../src/repository/routing/change-routing.ts';
import type { UploadingStore } from '../../../src/repository/stores/object-store.ts';
import type { Patience } from '../../../src/repository/stores/s3-patience.ts';
import { createSignedS3Store } from '../../../src/repository/stores/s3-signed-store.ts';
import { createS3UploadStore } from '../../../src/repository/stores/s3-upload-store.ts';
import { type Background, ordinaryBackground } from '../../../src/serving/background.ts';
import { REVALIDATION_MS } from '../../../src/serving/routing-cache.ts';
import type { EmbeddedStorage } from '../embedded-storage.ts';
import type { FaultyProxy, Rule } from '../faulty-proxy.ts';
import { createTestS3Client, signedBucket } from '../s3.ts';
import { createTestServing, publishModel, type TestServing } from '../serving.ts';

const ADD = 'test/fixtures/models/add.onnx';
const TTL_MS = 30_000;

/** The product's timeouts, ten times as short. */
export const PATIENCE: Patience = { silenceMs: 300, leastBytesPerSecond: 6_400, operationMs: 1_000 };
/** The deadline of each request, which an HTTP API sets at 28 s. */
export const DEADLINE_MS = 2_800;

/** A process behind a faulty S3, with a model of its own. */
export interface Process {
  readonly serving: TestServing;
  /** Through the proxy. */
  readonly repository: ModelRepository<UploadingStore>;
  /** The model, of which S3 has one version. */
  readonly model: string;
  /** The same bucket, without faults. */
  readonly healthy: ModelRepository<UploadingStore>;
  readonly data: UploadingStore;
  /** Waits until nothing goes on behind the answers. */
  settle(): Promise<void>;
}

/** An operation on S3, and the requests of it that fail. */
export interface Operation {
  readonly name: string;
  readonly requests: Omit<Rule, 'fault'>;
  /** Brings the process to the state before the fault. */
  readonly prepare?: (process: Process) => Promise<unknown>;
  /** Returns the answer in a word: a status, or the code of an error. */
  readonly perform: (process: Process) => Promise<string>;
  /** The right answer. */
  readonly right: RegExp;
  /** The right answer while S3 fails, where memory suffices. */
  readonly meanwhile?: RegExp;
}

const row = (name: string) => ({ name, shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] });
const BODY = JSON.stringify({ inputs: [row('a'), row('b')] });
const deadline = () => deadlineAt(Date.now() + DEADLINE_MS);

const infer = async ({ serving }: Process, model: string): Promise<string> => {
  const init = { method: 'POST', body: BODY, deadline: deadline() };
  const response = await serving.fetch(`/v2/models/${model}/infer`, init);
  await response.text();
  const version = response.headers.get('x-model-version');
  return version === null ? String(response.status) : `${response.status} by version ${version}`;
};
const inferOwn = (process: Process): Promise<string> => infer(process, process.model);

const get = async ({ serving }: Process, path: string): Promise<string> => {
  const response = await serving.fetch(path, { deadline: deadline() });
  await response.text();
  return String(response.status);
};

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => ServingError.from(error).code,
  );

/** Promotes a second version behind the back of a process that knows the first, and lets the time to live pass. */
const promoteSecond = async (process: Process): Promise<void> => {
  const { healthy, model, serving } = process;
  await inferOwn(process);
  await publishModel(healthy, model, ADD);
  serving.clock.nowMs += 3 * TTL_MS;
};

/** Lets the time to live of all routings pass. */
const wait = async (process: Process): Promise<void> => {
  await warm(process);
  process.serving.clock.nowMs += 3 * TTL_MS;
};

/** Another model is in memory: a process that has answered before. */
const warm = (process: Process): Promise<string> => infer(process, 'other');

const uploadOf = ({ model }: Process, etag: string): Upload => ({
  ...{ key: `uploads/${model}/x.json`, etag, sizeBytes: 10, sequencer: '01', isLastAttempt: false },
});
const answerUpload = async (process: Process): Promise<string> => {
  const { etag } = await process.data.head(`uploads/${process.model}/x.json`);
  const [outcome] = await processUploads(process.serving, [uploadOf(process, etag)], deadline(), 'a test');
  return outcome?.status ?? 'none';
};
const prepareUpload = async (process: Process): Promise<void> => {
  await process.data.write(`uploads/${process.model}/x.json`, JSON.stringify({ inputs: [[1, 2, 3]] }));
  await inferOwn(process);
};

const promote = ({ repository, model }: Process): Promise<string> =>
  codeOf(changeRouting(repository, model, { by: 'a test', action: 'promote' }, () => ({ stable: 1, aliases: {} })));

const serves = /^200 by version 1$/;
const done = /^(done|skipped)$/;

const requestsOf = (method: string, url: RegExp) => ({ method, url });

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'first read of a routing, cold',
    requests: requestsOf('GET', /routing\.json/),
    ...{ perform: inferOwn, right: serves },
  },
  {
    name: 'first read of a routing, warm',
    requests: requestsOf('GET', /routing\.json/),
    ...{ prepare: warm, perform: inferOwn, right: serves },
  },
  {
    name: 'refresh of a routing',
    requests: requestsOf('GET', /routing\.json/),
    ...{ prepare: promoteSecond, perform: inferOwn },
    ...{ right: /^200 by version 2$/, meanwhile: /^200 by version [12]$/ },
  },
  { name: 'bundle, cold', requests: requestsOf('GET', /bundle\.json/), perform: inferOwn, right: serves },
  {
    name: 'bundle, warm',
    requests: requestsOf('GET', /bundle\.json/),
    ...{ prepare: warm, perform: inferOwn, right: serves },
  },
  { name: 'part of a file, cold', requests: requestsOf('GET', /\/files\//), perform: inferOwn, right: serves },
  {
    name: 'part of a file, warm',
    requests: requestsOf('GET', /\/files\//),
    ...{ prepare: warm, perform: inferOwn, right: serves },
  },
  {
    name: 'a model in memory, of which every request fails',
    requests: {},
    ...{ prepare: wait, perform: warm, right: serves, meanwhile: serves },
  },
  {
    name: 'list of models',
    requests: requestsOf('GET', /list-type/),
    perform: (p) => get(p, '/models'),
    right: /^200$/,
  },
  {
    name: 'index of versions',
    requests: requestsOf('GET', /list-type/),
    ...{ perform: (p) => get(p, `/v2/models/${p.model}`), right: /^200$/ },
  },
  {
    name: 'upload',
    requests: requestsOf('GET', /\/uploads\//),
    ...{ prepare: prepareUpload, perform: answerUpload, right: done },
  },
  {
    name: 'read of a result',
    requests: requestsOf('HEAD', /\/results\//),
    ...{ prepare: prepareUpload, perform: answerUpload, right: done },
  },
  {
    name: 'write of a result',
    requests: requestsOf('PUT', /\/results\//),
    ...{ prepare: prepareUpload, perform: answerUpload, right: done },
  },
  ...['claim', 'files/', 'bundle.json'].map(
    (step): Operation => ({
      name: `push: write of ${step.replace('/', '')}`,
      requests: requestsOf('PUT', new RegExp(step)),
      perform: ({ repository, model }) => codeOf(publishModel(repository, `${model}-pushed`, ADD)),
      right: done,
    }),
  ),
  {
    name: 'command: promote',
    requests: requestsOf('PUT', /routing\.json/),
    ...{ perform: promote, right: done },
  },
  {
    name: 'command: show',
    requests: requestsOf('GET', /list-type/),
    ...{ perform: ({ repository, model }) => codeOf(repository.versions(model)), right: done },
  },
];

/** Publishes the model that is in memory while another one is asked for. */
export const publishOther = async ({ client, modelsBucket }: EmbeddedStorage): Promise<void> => {
  await publishModel(createModelRepository(createS3UploadStore(client, modelsBucket)), 'other', ADD);
};

/** Starts a process behind `proxy`, with the model `model` of its own in the bucket. */
export const startProcess = async (storage: EmbeddedStorage, proxy: FaultyProxy, model: string): Promise<Process> => {
  const { modelsBucket, dataBucket } = storage;
  const openStore = (name: string): UploadingStore => ({
    ...createS3UploadStore(createTestS3Client(proxy.endpoint, PATIENCE), name, PATIENCE),
    ...createSignedS3Store(...signedBucket(proxy.endpoint, name, PATIENCE)), // as a function reads
  });
  const store = openStore(modelsBucket);
  const healthy = createModelRepository(createS3UploadStore(storage.client, modelsBucket));
  await publishModel(healthy, model, ADD);
  const stores = { models: store, data: openStore(dataBucket) };
  const held: Promise<unknown>[] = [];
  const background: Background = { ...ordinaryBackground, hold: (work) => held.push(work) };
  const serving = await createTestServing(stores, {
    only: [model, 'other'],
    revalidationMs: REVALIDATION_MS,
    background,
  });
  const data = createS3UploadStore(storage.client, dataBucket);
  const settle = async () => void (await Promise.allSettled(held));
  return { serving, repository: createModelRepository(store), model, healthy, data, settle };
};
