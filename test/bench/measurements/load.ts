import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileKey } from '../../../src/repository/keys.ts';
import { toFigure, toRatio } from '../figures.ts';
import { writeMatmulModel } from '../matmul-model.ts';
import type { Results } from '../measures.ts';
import type { Created, CreateInput } from '../scripts/create.ts';
import type { DownloadInput, DownloadTimes } from '../scripts/download.ts';
import type { LoadInput, LoadOutcome } from '../scripts/load.ts';
import type { Workbench } from '../workbench.ts';

const matmulName = (sizeMb: number, isBaked = true): string => `matmul-${sizeMb}${isBaked ? '' : '-plain'}`;

/** Publishes a MatMul model of about `sizeMb` and returns its name and size. */
export const publishMatmul = async (
  workbench: Workbench,
  sizeMb: number,
  isBaked = true,
): Promise<{ model: string; bytes: number }> => {
  const model = matmulName(sizeMb, isBaked);
  const file = path.join(workbench.directory, `${model}.onnx`);
  await writeMatmulModel(file, sizeMb * 1e6);
  const { size } = await stat(file);
  await workbench.push(file, model, { bake: isBaked });
  await rm(file);
  return { model, bytes: size };
};

/** Loads a model in processes of its own, one after the other. */
export const loadRepeatedly = async (workbench: Workbench, model: string, rounds: number): Promise<LoadOutcome[]> => {
  const { directory, storage } = workbench;
  const outcomes: LoadOutcome[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cache = path.join(directory, `load-${randomUUID()}`);
    const input: LoadInput = { endpoint: storage.endpoint, bucket: storage.modelsBucket, model, directory: cache };
    outcomes.push(await workbench.run<LoadOutcome>('load', input));
    await rm(cache, { recursive: true });
  }
  return outcomes;
};

const SIZE_MB = 100;

/** What a model of 100 MB takes of memory. */
export const measurePeakMemory = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const { model, bytes } = await publishMatmul(workbench, SIZE_MB);
  const half = Math.ceil(rounds / 2); // two at a time: memory is measured here, not time
  const halves = [half, rounds - half].map((count) => loadRepeatedly(workbench, model, count));
  const loads = (await Promise.all(halves)).flat();
  return {
    figures: { 'load.peak_rss_ratio': toFigure(loads.map(({ growthBytes }) => growthBytes / bytes)) },
    times: {},
  };
};

/** How long creating the session of a model of 100 MB, published before, takes as functions do it, over the plain file. */
export const measureCreate = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const { repository, directory } = workbench;
  const model = matmulName(SIZE_MB);
  const { graphs, files } = await repository.bundle(model, 1);
  const folder = path.join(directory, 'create');
  for (const file of files) {
    await mkdir(path.dirname(path.join(folder, file.path)), { recursive: true });
    const { body } = await repository.store.read(fileKey(model, 1, file.path));
    await writeFile(path.join(folder, file.path), body);
  }
  const { file: published = '', baked } = graphs.model ?? {};
  assert(baked, `${model} was not baked`);
  const create = async (file: string, by: CreateInput['by']): Promise<Created> =>
    workbench.run<Created>('create', { path: path.join(folder, file), by } satisfies CreateInput);
  const plainMs: number[] = [];
  const publishedMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const floor = await create(baked.from, 'floor');
    const engine = await create(published, 'engine');
    assert.deepEqual(engine.output, floor.output);
    plainMs.push(floor.createMs);
    publishedMs.push(engine.createMs);
  }
  await rm(folder, { recursive: true });
  return {
    figures: { 'load.create_ratio': toRatio(publishedMs, plainMs) },
    times: {
      '100 MB, session of the plain file': toFigure(plainMs),
      '100 MB, session as pushed': toFigure(publishedMs),
    },
  };
};

/** How long a model of `sizeMb`, published before, takes from S3 to disk. */
export const timeDownload = async (workbench: Workbench, sizeMb: number, rounds: number): Promise<DownloadTimes> => {
  const { endpoint, modelsBucket: bucket } = workbench.storage;
  const directory = path.join(workbench.directory, 'download');
  await mkdir(directory);
  const input: DownloadInput = { endpoint, bucket, model: matmulName(sizeMb), directory, rounds };
  const times = await workbench.run<DownloadTimes>('download', input);
  await rm(directory, { recursive: true });
  return times;
};

export const measureDownload = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const { verified, raw } = await timeDownload(workbench, SIZE_MB, rounds);
  return {
    figures: { 'load.download_ratio': toRatio(verified, raw) },
    times: { '100 MB, raw download': toFigure(raw), '100 MB, verified download': toFigure(verified) },
  };
};
