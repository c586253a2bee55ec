import { clears, type Figures, MEASURES, type Measure, type MeasureName, medianOf } from '../measures.ts';
import { bar, format } from './table.ts';

/** What is known about bars that are hard to reach: where the time goes, and what was tried. Shown while the bar is missed. */
const KNOWN: Partial<Record<MeasureName, string>> = {};

/** For each bar that is missed by how much, and why as far as that is known; nothing when all are cleared. */
export const missedSection = (figures: Figures): string => {
  const missed = (Object.keys(figures) as MeasureName[]).flatMap((name) => {
    const measure: Measure = MEASURES[name];
    const value = medianOf(figures[name] ?? Number.NaN);
    if (clears(measure, value)) return [];
    return [`**${name}** is ${format(value)}, the bar ${bar(measure)}. ${KNOWN[name] ?? ''}`.trim()];
  });
  return missed.length === 0 ? '' : `\n## What is missed\n\n${missed.join('\n\n')}\n`;
};
