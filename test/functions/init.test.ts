import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'init-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it.each(await readdir('functions'))('%s starts without undici, zlib, onnxruntime and sharp', async (name) => {
  const outdir = join(directory, name);
  await build({ ...bundleOptions, entryPoints: [join('functions', name, 'handler.ts')], outdir, logLevel: 'error' });
  const script = `await import(${JSON.stringify(pathToFileURL(join(outdir, 'handler.mjs')))});
    const files = Object.keys((await import('node:module')).createRequire(import.meta.url).cache);
    console.log(JSON.stringify([...process.moduleLoadList, ...files]));`;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
      ...{ MODELS_BUCKET: 'models', DATA_BUCKET: 'data', MODEL_CACHE_DIR: join(directory, 'models') },
    },
  });

  const loaded = JSON.parse(stdout) as string[];
  expect(loaded).toContain('NativeModule crypto');
  expect(loaded.filter((module) => /undici|zlib|onnxruntime|sharp/.test(module))).toEqual([]);
});
