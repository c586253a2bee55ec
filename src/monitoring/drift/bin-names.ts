import type { Bins } from './histogram.ts';

/** A number with three digits, for people. */
export const round = (value: number): string => String(Number(value.toPrecision(3)));

/** The names of bins, in their order. */
export const binNames = (bins: Bins): string[] => {
  if (bins.kind === 'category') return [...bins.categories, 'others'];
  if (bins.edges.length === 0) return ['all'];
  const ends = [Number.NEGATIVE_INFINITY, ...bins.edges, Number.POSITIVE_INFINITY];
  return ends.slice(1).map((end, index) => {
    const start = ends[index] ?? end;
    if (start === Number.NEGATIVE_INFINITY) return `below ${round(end)}`;
    return end === Number.POSITIVE_INFINITY ? `${round(start)} and above` : `${round(start)} to ${round(end)}`;
  });
};
