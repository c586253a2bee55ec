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
/** Fewer than for ratios: eight models, the largest of which take seconds. */
export const GROWTH_ROUNDS = 7;

/** What a model of one size costs. */
export interface Growth {
  readonly modelMb: number;
  /** Whether push stored it as it loads fastest. */
  readonly isBaked: boolean;
  /** From spawn to the first answer, download included. */
  readonly coldStartMs: Figure;
  readonly downloadMs: Figure;
  readonly createMs: Figure;
  /** Memory of the process before the model is loaded, and by how much it grows at most until the first run is over. */
  readonly baseMb: Figure;
  readonly growthMb: Figure;
}

/** Times cold starts with a model and loads of it, each in a process of its own. */
const measureModel = async (workbench: Workbench, peers: Peers, sizeMb: number, isBaked: boolean): Promise<Growth> => {
  const { model, bytes } = await publishMatmul(workbench, sizeMb, isBaked);
  const row = { name: 'x', shape: [1, WIDTH], data: Array.from({ length: WIDTH }, () => 1) };
  const event = await inferEvent(model, row);
  const coldStarts: number[] = [];
  for (let round = 0; round < GROWTH_ROUNDS; round += 1) {
    const command = functionCommand(workbench, peers, path.join(workbench.directory, 'infer'));
    coldStarts.push((await firstResponse(command, event)).elapsedMs);
    await rm(command.environment.MODEL_CACHE_DIR ?? '', { recursive: true });
  }
  const loads = await loadRepeatedly(workbench, model, GROWTH_ROUNDS);
  return {
    modelMb: bytes / 1e6,
    isBaked,
    coldStartMs: toFigure(coldStarts),
    downloadMs: toFigure(loads.map(({ downloadMs }) => downloadMs)),
    createMs: toFigure(loads.map(({ createMs }) => createMs)),
    baseMb: toFigure(loads.map(({ baseBytes }) => baseBytes / 1e6)),
    growthMb: toFigure(loads.map(({ growthBytes }) => growthBytes / 1e6)),
  };
};

/** Cold start and load of MatMul models, small to large, as they are and baked. */
export const measureGrowth = async (workbench: Workbench, peers: Peers): Promise<Growth[]> => {
  const growth: Growth[] = [];
  for (const sizeMb of SIZES_MB)
    for (const isBaked of [false, true]) growth.push(await measureModel(workbench, peers, sizeMb, isBaked));
  return growth;
};
