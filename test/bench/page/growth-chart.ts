import type { Growth } from '../measurements/growth.ts';

const WIDTH = 720;
const LEFT = 130;
const RIGHT = 90;
const BAR = 26;
const STEP = 36;
const TOP = 40;

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

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;

/** A bar for each model: what its cold start is made of. Readable on a light and on a dark page. */
export const drawGrowth = (growth: readonly Growth[]): string => {
  const longestMs = Math.max(...growth.map(({ coldStartMs }) => coldStartMs.median));
  const scale = (WIDTH - LEFT - RIGHT) / longestMs;
  const legend = PARTS.map(({ name, colour }, index) => {
    const x = LEFT + index * 160;
    return `<rect x="${x}" y="10" width="12" height="12" fill="${colour}"/>${text(x + 18, 20, name)}`;
  });
  const bars = growth.map((row, index) => {
    const y = TOP + index * STEP;
    let x = LEFT;
    const parts = PARTS.map(({ colour, of }) => {
      const width = of(row) * scale;
      const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`;
      x += width;
      return rect;
    });
    const label = text(LEFT - 10, y + 18, `${Math.round(row.modelMb)} MB, ${row.isBaked ? 'baked' : 'plain'}`, 'end');
    return `${label}${parts.join('')}${text(x + 8, y + 18, `${Math.round(row.coldStartMs.median)} ms`)}`;
  });
  const height = TOP + growth.length * STEP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Cold start by model size">
<style>text { font: 14px system-ui, sans-serif; fill: #6b7280; }</style>
${[...legend, ...bars].join('\n')}
</svg>
`;
};
