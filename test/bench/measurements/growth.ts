import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type Figure, toFigure } from '../figures.ts';
import { firstResponse } from '../first-answer.ts';
import { WIDTH } from '../matmul-model.ts';
import type { Peers } from '../peers.ts';
import { inferEvent } from '../sample.ts';
import type { Workbench } from '../workbench.ts';
import { functionCommand } from './cold-start.ts';
import { loadRepeatedly, publishMatmul } from './load.ts';

const SIZES_MB = [5, 25, 100, 400];

/** What a model of one size costs. */
export interface Growth {
  readonly modelMb: number;
  /** From spawn to the first answer, download included. */
  readonly coldStartMs: Figure;
  readonly downloadMs: Figure;
  readonly createMs: Figure;
  /** Memory of the process before the model is loaded, and by how much it grows at most until the first run is over. */
  readonly baseMb: Figure;
  readonly growthMb: Figure;
}

/** Cold start and load of MatMul models, small to large. */
export const measureGrowth = async (workbench: Workbench, peers: Peers, rounds: number): Promise<Growth[]> => {
  const growth: Growth[] = [];
  for (const sizeMb of SIZES_MB) {
    const { model, bytes } = await publishMatmul(workbench, sizeMb);
    const row = { name: 'x', shape: [1, WIDTH], data: Array.from({ length: WIDTH }, () => 1) };
    const event = await inferEvent(model, row);
    const coldStarts: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const command = functionCommand(workbench, peers, path.join(workbench.directory, 'infer'));
      coldStarts.push((await firstResponse(command, event)).elapsedMs);
      await rm(command.environment.MODEL_CACHE_DIR ?? '', { recursive: true });
    }
    const loads = await loadRepeatedly(workbench, model, rounds);
    growth.push({
      modelMb: bytes / 1e6,
      coldStartMs: toFigure(coldStarts),
      downloadMs: toFigure(loads.map(({ downloadMs }) => downloadMs)),
      createMs: toFigure(loads.map(({ createMs }) => createMs)),
      baseMb: toFigure(loads.map(({ baseBytes }) => baseBytes / 1e6)),
      growthMb: toFigure(loads.map(({ growthBytes }) => growthBytes / 1e6)),
    });
  }
  return growth;
};
