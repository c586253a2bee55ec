import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { bundleFunction } from '../support/bundled-function.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'init-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The modules that the init of a function loads. */
const loadedBy = async (name: string, variables: Readonly<Record<string, string>> = {}): Promise<string[]> => {
  const { folder } = await bundleFunction(name);
  const script = `globalThis.awslambda = { streamifyResponse: (handler) => handler };
    await import(${JSON.stringify(pathToFileURL(join(folder, 'handler.mjs')))});
    const files = Object.keys((await import('node:module')).createRequire(import.meta.url).cache);
    console.log(JSON.stringify([...process.moduleLoadList, ...files]));`;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
      ...{ MODELS_BUCKET: 'models', DATA_BUCKET: 'data', MODEL_CACHE_DIR: join(directory, 'models') },
      ...variables,
    },
  });
  return JSON.parse(stdout) as string[];
};

it.each(await readdir('functions'))('%s starts without undici, zlib, onnxruntime and sharp', async (name) => {
  const loaded = await loadedBy(name);

  expect(loaded).toContain('NativeModule crypto');
  expect(loaded.filter((module) => /undici|zlib|onnxruntime|sharp/.test(module))).toEqual([]);
});

it('infer starts without the AWS SDK where S3 is plain, or models travel with it, unless it has to ask S3 first', async () => {
  const isSdk = (module: string) => module === 'NativeModule https';
  const embedded = { EMBED_MODELS: 'iris' };
  const dualStack = { AWS_USE_DUALSTACK_ENDPOINT: 'true' };

  expect((await loadedBy('infer')).filter(isSdk)).toEqual([]);
  expect((await loadedBy('infer', dualStack)).filter(isSdk)).not.toEqual([]);
  expect((await loadedBy('infer', { ...dualStack, ...embedded })).filter(isSdk)).toEqual([]);
  const strict = { ...dualStack, ...embedded, EMBED_ROUTING: 'strict' };
  expect((await loadedBy('infer', strict)).filter(isSdk)).not.toEqual([]);
});
