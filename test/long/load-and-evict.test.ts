import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import { writeMatmulModel } from '../bench/matmul-model.ts';
import type { LoadAndEvictOutcome } from '../support/load-and-evict.ts';
import { publishModel } from '../support/serving.ts';

const MB = 1024 * 1024;
const SIZES_MB = [2, 3, 4, 5, 6, 8];
const CYCLES = 500;
/** By then every model was loaded and evicted many times, and the allocator has what it needs. */
const SETTLED = 100;
const GROWTH = 1.3;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'load-and-evict-test-'));
  const repository = createModelRepository(createDirectoryStore(join(folder, 'store')));
  for (const sizeMb of SIZES_MB) {
    const path = join(folder, `m${sizeMb}.onnx`);
    await writeMatmulModel(path, sizeMb * MB);
    await publishModel(repository, `m${sizeMb}`, path);
  }
});
afterAll(() => rm(folder, { recursive: true }));

it(`stays on its plateau while ${CYCLES} models are loaded and evicted`, async () => {
  const script = join(import.meta.dirname, '../support/load-and-evict.ts');
  const env = { PATH: process.env.PATH, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: String(MB) }; // as in serverless.yml
  const { stdout } = await promisify(execFile)(process.execPath, [script, join(folder, 'store'), String(CYCLES)], {
    env,
  });

  const { loads, evictions, rssBytes } = JSON.parse(stdout) as LoadAndEvictOutcome;
  expect(loads).toBe(CYCLES); // a model that comes round again was evicted before
  expect(evictions).toBeGreaterThan(CYCLES - SIZES_MB.length);
  const plateauBytes = rssBytes.slice(SETTLED - 20, SETTLED).reduce((max, bytes) => Math.max(max, bytes), 0);
  const mostBytes = rssBytes.slice(SETTLED).reduce((max, bytes) => Math.max(max, bytes), 0);
  const inMb = (bytes: number): string => (bytes / MB).toFixed(0);
  process.stdout.write(
    `${loads} loads, ${evictions} evictions: plateau ${inMb(plateauBytes)} MB, most afterwards ${inMb(mostBytes)} MB\n`,
  );
  expect(mostBytes).toBeLessThanOrEqual(GROWTH * plateauBytes);
});
