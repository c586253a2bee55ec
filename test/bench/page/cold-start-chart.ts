import type { Results } from '../measures.ts';
import { drawBars } from './bar-chart.ts';

const WAYS = [
  { name: 'model in S3', colour: '#2f7ed8' },
  { name: 'model on its disk', colour: '#e08a1e' },
] as const;

/** The contenders of the chart, as the bench calls their times. */
export const COLD_STARTS = {
  floor: 'cold start, bare script',
  infer: 'cold start, packaged infer, model in S3',
  embedded: 'cold start, packaged infer, model in the layer',
  transformersS3: 'cold start, transformers.js, model in S3',
  transformers: 'cold start, transformers.js, model on its disk',
  pythonS3: 'cold start, Python, model in S3',
  python: 'cold start, Python, model on its disk',
} as const;

/** A bar for the first answer of each contender that was measured. */
export const drawColdStarts = (times: Results['times']): string =>
  drawBars({
    title: 'First answer of a new environment',
    left: 250,
    legend: WAYS,
    bars: Object.values(COLD_STARTS).flatMap((name) => {
      const ms = times[name]?.median;
      if (ms === undefined) return [];
      const { colour } = name.endsWith('S3') ? WAYS[0] : WAYS[1];
      return [{ label: name.replace(/^cold start, /, ''), parts: [{ ms, colour }], totalMs: ms }];
    }),
  });
