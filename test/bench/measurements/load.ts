import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { toFigure, toRatio } from '../figures.ts';
import { writeMatmulModel } from '../matmul-model.ts';
import type { Results } from '../measures.ts';
import type { DownloadInput, DownloadTimes } from '../scripts/download.ts';
import type { LoadInput, LoadOutcome } from '../scripts/load.ts';
import type { Workbench } from '../workbench.ts';

/** Publishes a MatMul model of about `sizeMb` and returns its name and size. */
export const publishMatmul = async (
  workbench: Workbench,
  sizeMb: number,
): Promise<{ model: string; bytes: number }> => {
  const model = `matmul-${sizeMb}`;
  const file = path.join(workbench.directory, `${model}.onnx`);
  await writeMatmulModel(file, sizeMb * 1e6);
  const { size } = await stat(file);
  await workbench.push(file, model);
  await rm(file);
  return { model, bytes: size };
};

/** Loads a model in processes of its own, one after the other. */
export const loadRepeatedly = async (workbench: Workbench, model: string, rounds: number): Promise<LoadOutcome[]> => {
  const { directory, storage } = workbench;
  const outcomes: LoadOutcome[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cache = path.join(directory, 'load');
    const input: LoadInput = { endpoint: storage.endpoint, bucket: storage.modelsBucket, model, directory: cache };
    outcomes.push(await workbench.run<LoadOutcome>('load', input));
    await rm(cache, { recursive: true });
  }
  return outcomes;
};

/** What bringing a model of 100 MB into memory takes. */
export const measureLoad = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const { model, bytes } = await publishMatmul(workbench, 100);
  const { endpoint, modelsBucket: bucket } = workbench.storage;
  const directory = path.join(workbench.directory, 'download');
  await mkdir(directory);
  const input: DownloadInput = { endpoint, bucket, model, directory, rounds };
  const { verified, raw } = await workbench.run<DownloadTimes>('download', input);
  await rm(directory, { recursive: true });
  const loads = await loadRepeatedly(workbench, model, rounds);
  return {
    figures: {
      'load.download_ratio': toRatio(verified, raw),
      'load.peak_rss_ratio': toFigure(loads.map(({ growthBytes }) => growthBytes / bytes)),
    },
    times: {
      '100 MB, raw download': toFigure(raw),
      '100 MB, verified download': toFigure(verified),
      '100 MB, session creation': toFigure(loads.map(({ createMs }) => createMs)),
    },
  };
};
