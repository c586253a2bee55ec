import type { Growth } from '../measurements/growth.ts';
import { drawBars } from './bar-chart.ts';

const PARTS = [
  {
    name: 'start',
    colour: '#8a94a6',
    of: ({ coldStartMs, downloadMs, createMs }: Growth) =>
      Math.max(0, coldStartMs.median - downloadMs.median - createMs.median),
  },
  { name: 'download', colour: '#2f7ed8', of: ({ downloadMs }: Growth) => downloadMs.median },
  { name: 'session creation', colour: '#e08a1e', of: ({ createMs }: Growth) => createMs.median },
] as const;

/** A bar for each model: what its cold start is made of. */
export const drawGrowth = (growth: readonly Growth[]): string =>
  drawBars({
    title: 'Cold start by model size',
    left: 130,
    legend: PARTS,
    bars: growth.map((row) => ({
      label: `${Math.round(row.modelMb)} MB, ${row.isBaked ? 'baked' : 'plain'}`,
      parts: PARTS.map(({ colour, of }) => ({ ms: of(row), colour })),
      totalMs: row.coldStartMs.median,
    })),
  });
