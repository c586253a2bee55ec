import { formatTolerance, type ProcessorRecord, toTolerance } from './tolerances.ts';

export const BLOCK = /(<!-- processors -->\n)[\s\S]*?(<!-- end of processors -->)/;

/** The record as a Markdown table. */
export const toProcessorTable = ({ graphs }: ProcessorRecord): string => {
  const pairs = Object.keys(Object.values(graphs)[0] ?? {});
  return [
    `| graph | ${pairs.join(' | ')} | tolerance |`,
    `|---|${'---|'.repeat(pairs.length + 1)}`,
    ...Object.entries(graphs).map(([path, differences]) => {
      const cells = pairs.map((pair) => (differences[pair] ?? 0).toExponential(1));
      return `| ${path} | ${cells.join(' | ')} | ${formatTolerance(toTolerance(differences))} |`;
    }),
    '',
  ].join('\n');
};
