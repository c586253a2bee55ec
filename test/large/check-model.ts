import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PushedModel, pushModel } from '../../src/authoring/push-model.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { startEmbeddedStorage } from '../support/embedded-storage.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { createTestS3Client } from '../support/s3.ts';
import { type WeightType, writeLayeredModel } from './layered-model.ts';
import type { LoadOutcome } from './load-and-evict.ts';

const MB = 1_000_000;
/** What any model takes, and the blocks of a download. */
const BESIDES_BYTES = 64 * MB;
/**
 * Peak and steady memory of the process, over the bytes of the files. onnxruntime packs int4 weights for its kernel, and computes float16 as float32:
 * both are copies, made while the file is still mapped.
 */
const MOST: Readonly<Record<WeightType, { readonly peak: number; readonly own: number }>> = {
  int4: { peak: 2, own: 1.4 },
  float16: { peak: 3.1, own: 2.1 },
};
/** Sizes from which a function as the template has it is too small. */
const LARGE_BYTES = 1_200 * MB;
/** The file that is sent last and its part that fails at first. */
const BAKED = 'baked/model.onnx.data';
const FAILING_PART = /baked\/model\.onnx\.data.*partNumber=3\b/;

/** Notes the keys of the files that are sent. */
const recordUploads = (store: UploadingStore): { readonly store: UploadingStore; readonly sent: string[] } => {
  const sent: string[] = [];
  return {
    sent,
    store: {
      ...store,
      upload: (key, ...rest) => {
        sent.push(key.replace(/.*\/files\//, ''));
        return store.upload(key, ...rest);
      },
    },
  };
};

/** Pushes the folder while one part fails for good, and again with `resume`. Returns what the second push says. */
const pushTwice = async (folder: string, name: string, proxy: FaultyProxy, bucket: string): Promise<PushedModel> => {
  const recorded = recordUploads(createS3UploadStore(createTestS3Client(proxy.endpoint, COMMAND_PATIENCE), bucket));
  const repository = createModelRepository(recorded.store);
  proxy.rules = [{ fault: '500 InternalError', method: 'PUT', url: FAILING_PART }];
  await assert.rejects(pushModel(repository, folder, { name }), { code: 'MODEL_UNAVAILABLE' });
  assert.deepEqual(await repository.versions(name), [], 'an interrupted push made a version');
  proxy.rules = [];
  recorded.sent.length = 0;
  const pushed = await pushModel(repository, folder, { name, resume: true });
  assert.deepEqual([pushed.version, recorded.sent], [1, [BAKED]], 'the push was not resumed');
  return pushed;
};

const loadInProcess = async (endpoint: string, bucket: string, name: string, directory: string) => {
  const env = { PATH: process.env.PATH, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: String(1024 * 1024) }; // as in serverless.yml
  const script = join(import.meta.dirname, 'load-and-evict.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, endpoint, bucket, name, directory], { env });
  return JSON.parse(stdout) as LoadOutcome;
};

const assertMemory = (type: WeightType, outcome: LoadOutcome): void => {
  const { fileBytes, downloadGrowthBytes, peakGrowthBytes, before, loaded, evicted, evictions, downloadedAgain } =
    outcome;
  const { peak, own } = MOST[type];
  const ownBytes = loaded.ownBytes - before.ownBytes;
  const kept = evicted.ownBytes + evicted.mappedBytes - before.ownBytes - before.mappedBytes;
  assert.ok(downloadGrowthBytes <= BESIDES_BYTES, `the download took ${formatBytes(downloadGrowthBytes)} of memory`);
  assert.ok(
    peakGrowthBytes <= peak * fileBytes + BESIDES_BYTES,
    `the load took ${formatBytes(peakGrowthBytes)} of memory`,
  );
  assert.ok(ownBytes <= own * fileBytes + BESIDES_BYTES, `the loaded model has ${formatBytes(ownBytes)} of its own`);
  assert.ok(kept <= BESIDES_BYTES, `${formatBytes(kept)} stay when it is evicted`);
  assert.deepEqual([evictions, downloadedAgain], [1, 0], 'the evicted model was not loaded from its files');
};

/**
 * Makes a model of random weights, pushes it with an interruption, loads it from S3, evicts it and loads it again. Returns what `push` notes, and what
 * the load took. @throws AssertionError with what was not as it has to be
 */
export const checkModel = async (
  type: WeightType,
  sizeBytes: number,
): Promise<LoadOutcome & { readonly notes: readonly string[] }> => {
  const directory = await mkdtemp(join(tmpdir(), 'large-model-'));
  const storage = await startEmbeddedStorage();
  const proxy = await startFaultyProxy(storage.endpoint);
  try {
    const folder = join(directory, type);
    await mkdir(folder);
    const weightBytes = await writeLayeredModel(folder, type, sizeBytes);
    const { notes } = await pushTwice(folder, type, proxy, storage.modelsBucket);
    if (sizeBytes >= LARGE_BYTES)
      for (const parameter of ['memory', 'tmpSize'])
        assert.match(notes.join('\n'), new RegExp(`--param="${parameter}=\\d+"`), `push says nothing of ${parameter}`);
    const outcome = await loadInProcess(storage.endpoint, storage.modelsBucket, type, join(directory, 'cache'));
    assert.ok(outcome.fileBytes >= weightBytes, 'the load brought fewer bytes than there are weights');
    assertMemory(type, outcome);
    return { ...outcome, notes };
  } finally {
    proxy.stop();
    await storage.stop();
    await rm(directory, { recursive: true });
  }
};
