import type { Figure } from '../figures.ts';
import { clears, type Figures, MEASURES, type Measure, type MeasureName, medianOf, type Results } from '../measures.ts';

export const format = (value: number): string => Number(value.toPrecision(3)).toString();

const spread = (figure: Figure | number): string =>
  typeof figure === 'number' ? '' : `${format(figure.min)} – ${format(figure.max)}`;

export const bar = (measure: Measure): string => ('atMost' in measure ? `≤ ${measure.atMost}` : `≥ ${measure.atLeast}`);

export const FIGURE_HEADER = ['measure', 'median', 'spread', 'bar', 'verdict', 'meaning'];

/** A row for every figure that was measured. */
export const figureRows = (figures: Figures): string[][] =>
  (Object.keys(MEASURES) as MeasureName[]).flatMap((name) => {
    const figure = figures[name];
    if (figure === undefined) return [];
    const measure: Measure = MEASURES[name];
    const value = medianOf(figure);
    const verdict = clears(measure, value) ? 'clears' : 'misses';
    return [[name, format(value), spread(figure), bar(measure), verdict, measure.what]];
  });

export const TIME_HEADER = ['on this machine', 'median ms', 'spread'];

export const timeRows = (times: Results['times']): string[][] =>
  Object.entries(times).map(([what, figure]) => [what, format(figure.median), spread(figure)]);

/** Columns as wide as their widest cell. */
export const toPlainTable = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = header.map((title, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length), title.length),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
};

export const toMarkdownTable = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
