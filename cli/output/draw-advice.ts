import type { Advice } from '../../src/advise/advise-model.ts';
import type { Estimate } from '../../src/advise/estimate.ts';
import { SERVICES } from '../../src/advise/services.ts';
import { formatDollars, formatMs } from './format-advice.ts';

const [WIDTH, PANEL, LEFT, RIGHT, TOP] = [860, 260, 70, 270, 50];
const COLOURS = ['#2f7ed8', '#e08a1e', '#3a9d5d', '#b0479b', '#8a94a6', '#c0392b'];

const formatCount = (count: number): string => count.toLocaleString('en');

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Points that are marked, such as those where two lines meet. */
  readonly marks?: Line['points'];
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
}

const text = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`;

/** Digits of the round numbers along an axis, by the quotient of its ends from which they are shown. */
const FACTORS: readonly (readonly [number, readonly number[]])[] = [
  [1000, [1]],
  [30, [1, 3]],
  [3, [1, 1.5, 2, 3, 5, 7]],
  [0, [1, 1.2, 1.5, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8]],
];

/** Round numbers from the least to the largest value: powers of ten alone over many of them, and more of them over few. */
const ticks = (least: number, most: number): number[] => {
  const factors = FACTORS.find(([span]) => most / least >= span)?.[1] ?? [1];
  const first = Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(Math.log10(most)) - first + 1 }, (_, step) => 10 ** (first + step));
  return powers
    .flatMap((power) => factors.map((factor) => factor * power))
    .filter((tick) => tick >= least * 0.999 && tick <= most * 1.001);
};

/** Lines over two logarithmic axes; each bears its name at its end. */
const drawPanel = ({ title, lines, marks = [], formatX, formatY }: Panel, top: number): string => {
  const points = lines.flatMap((line) => line.points);
  const range = (values: readonly number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];
  const [xs, ys] = [range(points.map(([x]) => x)), range(points.map(([, y]) => y))];
  const place = (value: number, [least, most]: readonly [number, number]): number =>
    Math.log(value / least) / (Math.log(most / least) || 1);
  const toX = (x: number): number => LEFT + place(x, xs) * (WIDTH - LEFT - RIGHT);
  const toY = (y: number): number => top + PANEL - place(y, ys) * (PANEL - TOP);
  const grid = [
    ...ticks(...xs).map((x) => text(toX(x), top + PANEL + 18, formatX(x), 'middle')),
    ...ticks(...ys).flatMap((y) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${toY(y).toFixed(1)}" y2="${toY(y).toFixed(1)}"/>`,
      text(LEFT - 8, toY(y) + 4, formatY(y), 'end'),
    ]),
  ];
  const ends = lines
    .map(({ points: own }, index) => ({ index, y: toY(own.at(-1)?.[1] ?? 1) }))
    .toSorted((a, b) => a.y - b.y);
  for (const [rank, end] of ends.entries())
    end.y = Math.max(end.y, (ends[rank - 1]?.y ?? Number.NEGATIVE_INFINITY) + 16);
  const drawn = lines.flatMap(({ name, points: own, isDashed }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = own.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(' ');
    const dash = isDashed ? ' stroke-dasharray="5 4"' : '';
    const y = ends.find((end) => end.index === index)?.y ?? 0;
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
      `<g fill="${colour}">${text(WIDTH - RIGHT + 8, y + 4, name)}</g>`,
    ];
  });
  const circles = marks.map(
    ([x, y]) =>
      `<circle cx="${toX(x).toFixed(1)}" cy="${toY(y).toFixed(1)}" r="5" fill="none" stroke="#6b7280" stroke-width="2"/>`,
  );
  return [`<g class="title">${text(LEFT, top + 16, title)}</g>`, ...grid, ...drawn, ...circles].join('\n');
};

/** The lines of one quantity over the memory: measured sizes are drawn through, and the others dashed. */
const overMemory = (estimates: readonly Estimate[], heightOf: (estimate: Estimate) => number): Line[] =>
  [...Map.groupBy(estimates, ({ version, architecture }) => `version ${version}, ${architecture}`)].map(
    ([name, rows]) => ({
      name,
      points: rows.map((row) => [row.memoryMb, heightOf(row)] as const),
      isDashed: rows.every(({ unmeasured }) => unmeasured !== undefined),
    }),
  );

/** The points of the chart at which services become cheaper than Lambda, whose price grows with the requests. */
const breakEvens = (services: Advice['services'], { lambda }: Advice['curves']): Line['points'] => {
  const [[least, dollars] = [1, 0]] = lambda;
  const most = lambda.at(-1)?.[0] ?? 0;
  return services.flatMap(({ breakEven = 0 }) =>
    breakEven >= least && breakEven <= most ? [[breakEven, (dollars / least) * breakEven] as const] : [],
  );
};

/**
 * Charts of an advice: latency and price over the memory, and the price a month of each service over the requests. Readable on a light and on a
 * dark page. Dashed lines were not measured.
 */
export const drawAdvice = (
  name: string,
  { estimates, services, curves }: Pick<Advice, 'estimates' | 'services' | 'curves'>,
): string => {
  const measured = estimates.filter(({ unmeasured, problem }) => unmeasured === undefined && problem === undefined);
  const possible = estimates.filter(({ problem }) => problem === undefined);
  const shown = measured.length > 0 ? measured : possible;
  const panels: Panel[] = [
    {
      title: `${name}: latency of 95 % of the requests, by MB of memory`,
      lines: overMemory(shown, ({ latencyMs }) => latencyMs.p95),
      formatX: formatCount,
      formatY: formatMs,
    },
    {
      title: 'Lambda, dollars per million requests, by MB of memory',
      lines: overMemory(possible, ({ dollarsPerMillion }) => dollarsPerMillion),
      formatX: formatCount,
      formatY: formatDollars,
    },
    {
      title: 'Dollars a month, by requests a day; circles: from there a service is cheaper than Lambda',
      lines: services.map(({ service }) => ({
        name: SERVICES[service].title.replace(/^(AWS|Google|Azure) /, ''),
        points: curves[service],
      })),
      marks: breakEvens(services, curves),
      formatX: formatCount,
      formatY: formatDollars,
    },
  ].filter(({ lines }) => lines.some(({ points }) => points.length > 1));
  const height = panels.length * (PANEL + TOP) + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${name}: latency and price">
<style>
text { font: 13px system-ui, sans-serif; fill: #6b7280; }
g text { fill: inherit; }
.title text { font-weight: bold; fill: #6b7280; }
line { stroke: #6b7280; opacity: 0.25; }
</style>
${panels.map((panel, index) => drawPanel(panel, index * (PANEL + TOP))).join('\n')}
</svg>
`;
};
