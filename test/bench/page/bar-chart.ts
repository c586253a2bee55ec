const WIDTH = 720;
const RIGHT = 90;
const BAR = 26;
const STEP = 36;
const TOP = 40;

export interface BarChart {
  /** For readers who do not see it. */
  readonly title: string;
  /** Room for the labels, in pixels. */
  readonly left: number;
  readonly legend: readonly { readonly name: string; readonly colour: string }[];
  readonly bars: readonly Bar[];
}

/** A bar of parts, in milliseconds, with their sum behind it. */
export interface Bar {
  readonly label: string;
  readonly parts: readonly { readonly ms: number; readonly colour: string }[];
  readonly totalMs: number;
}

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;

/** Draws bars as SVG, readable on a light and on a dark page. */
export const drawBars = ({ title, left, legend, bars }: BarChart): string => {
  const scale = (WIDTH - left - RIGHT) / Math.max(...bars.map(({ totalMs }) => totalMs));
  const keys = legend.map(({ name, colour }, index) => {
    const x = left + index * 160;
    return `<rect x="${x}" y="10" width="12" height="12" fill="${colour}"/>${text(x + 18, 20, name)}`;
  });
  const rows = bars.map(({ label, parts, totalMs }, index) => {
    const y = TOP + index * STEP;
    let x = left;
    const rects = parts.map(({ ms, colour }) => {
      const width = ms * scale;
      const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`;
      x += width;
      return rect;
    });
    return `${text(left - 10, y + 18, label, 'end')}${rects.join('')}${text(x + 8, y + 18, `${Math.round(totalMs)} ms`)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + bars.length * STEP}" role="img" aria-label="${title}">
<style>text { font: 14px system-ui, sans-serif; fill: #6b7280; }</style>
${[...keys, ...rows].join('\n')}
</svg>
`;
};
